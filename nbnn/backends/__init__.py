"""What torch programs ask about, and set on, the libraries beneath: nbnn has none, so the settings change nothing."""

from nbnn.backends import cuda, cudnn, mps, xpu

__all__ = ["cuda", "cudnn", "mps", "xpu"]
