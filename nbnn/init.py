"""Starting values: functions that fill a Tensor in place, outside the graph.

Random ones take a `generator`; without one they draw from the default generator that `nbnn.manual_seed` seeds. The
same seed gives the same numbers on every device and number of threads.
"""

from __future__ import annotations

import contextlib
import functools
import math
import statistics
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nbnn.autograd import no_grad
from nbnn.dtypes import float64
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.generator import Generator
from nbnn.tensor import Tensor

_GAINS = {"sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 0.75, "linear": 1.0} | {
    f"conv{kind}{n}d": 1.0 for kind in ("", "_transpose") for n in (1, 2, 3)
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    r"""The factor that keeps the variance of what passes a nonlinearity.

    1 for ``"linear"``, the convolutions and ``"sigmoid"``; 5/3 for ``"tanh"``; :math:`\sqrt 2` for ``"relu"``;
    :math:`\sqrt{2 / (1 + \text{slope}^2)}` for ``"leaky_relu"``; 3/4 for ``"selu"``.

    Parameters
    ----------
    nonlinearity : str
        Its name in `nbnn.functional`.
    param : float, optional
        The slope of ``"leaky_relu"``, 0.01 unless given.

    Raises
    ------
    ValueError
        For any other name.
    TypeError
        If the slope is not a number.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> round(nn.init.calculate_gain("leaky_relu", 0.2), 4)
    1.3868
    """
    if nonlinearity == "leaky_relu":
        if isinstance(param, (bool, str)):
            raise TypeError(f"calculate_gain: `param` (={param!r}) must be a number; got {type(param).__name__}")
        slope = 0.01 if param is None else _check.number("calculate_gain", "param", param)
        return math.sqrt(2.0 / (1.0 + slope**2))
    if nonlinearity not in _GAINS:
        names = ", ".join([*_GAINS, "leaky_relu"])
        raise ValueError(f"calculate_gain: `nonlinearity` (={nonlinearity!r}) must be one of {names}")
    return _GAINS[nonlinearity]


_skip = threading.local()  # .on while `skipped` is


@contextlib.contextmanager
def skipped() -> Iterator[None]:
    """Within this context `uniform_`, `normal_` and what is made of them draw nothing: values stay undefined.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> with nn.init.skipped():
    ...     layer = nn.Linear(1000, 1000)
    """
    before, _skip.on = getattr(_skip, "on", False), True
    try:
        yield
    finally:
        _skip.on = before


def _checked(op: str, tensor: Any, ranks: tuple[int, ...] | None = None) -> Tensor:
    t = _check.tensor(op, "tensor", tensor)
    if ranks is not None and t.dim() not in ranks:
        raise ValueError(f"{op}: `tensor` must have {' or '.join(map(str, ranks))} axes; got shape {tuple(t.shape)}")
    return t


def _write(tensor: Tensor, values: np.ndarray) -> Tensor:
    """Copy values made on the host into the Tensor, whatever its type and device."""
    with no_grad():
        return tensor.copy_(A.as_tensor(values))


def _host_normal(shape: tuple[int, ...], generator: Generator | None) -> np.ndarray:
    return A.empty(shape, dtype=float64).normal_(generator=generator).numpy()


def _host_uniform(shape: tuple[int, ...], a: float, b: float, generator: Generator | None) -> np.ndarray:
    return A.empty(shape, dtype=float64).uniform_(a, b, generator=generator).numpy()


def _calculate_fan_in_and_fan_out(tensor: Tensor, op: str = "init") -> tuple[int, int]:
    """How many inputs reach one output of a weight, and how many outputs one input."""
    shape = _check.tensor(op, "tensor", tensor).shape
    if len(shape) < 2:
        raise ValueError(f"{op}: `tensor` must have at least 2 axes (outputs, inputs, ...); got shape {tuple(shape)}")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill `tensor` with numbers uniform in [a, b).

    Raises
    ------
    ValueError
        If a > b.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.uniform_(nbnn.empty(3, 5))
    """
    with no_grad():
        t = _checked("uniform_", tensor)
        return t if getattr(_skip, "on", False) else t.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill `tensor` with normal numbers of the given mean and standard deviation.

    Raises
    ------
    ValueError
        If `std` is negative.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.normal_(nbnn.empty(3, 5), std=0.02)
    """
    with no_grad():
        t = _checked("normal_", tensor)
        return t if getattr(_skip, "on", False) else t.normal_(mean, std, generator=generator)


def _redrawn(n: int, low: float, high: float, generator: Generator | None) -> np.ndarray:
    """Standard normal numbers, those outside [low, high] drawn anew."""
    z = _host_normal((n,), generator)
    outside = np.flatnonzero((z < low) | (z > high))
    while outside.size:
        again = _host_normal((outside.size,), generator)
        z[outside] = again
        outside = outside[(again < low) | (again > high)]
    return z


def _by_quantile(n: int, low: float, high: float, generator: Generator | None) -> np.ndarray:
    """Standard normal numbers in a window [low, high] that lies in one tail."""
    if low > 0:  # the left tail, where probabilities keep their digits
        return -_by_quantile(n, -high, -low, generator)
    u = _host_uniform((n,), _probability_below(low), _probability_below(high), generator)
    smallest, largest = np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0)
    quantile = statistics.NormalDist().inv_cdf
    return np.clip([quantile(p) for p in np.clip(u, smallest, largest).tolist()], low, high)


def _probability_below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill `tensor` with normal numbers, of which those outside [a, b] are drawn anew.

    Parameters
    ----------
    tensor : Tensor
        Any shape.
    mean, std : float
        Of the normal distribution before it is cut off.
    a, b : float
        The ends of the window; the window may lie anywhere.
    generator : Generator, optional

    Raises
    ------
    ValueError
        If `std` is not positive or a > b.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.trunc_normal_(nbnn.empty(3, 5), std=0.02, a=-0.04, b=0.04)
    """
    _checked("trunc_normal_", tensor)
    if not std > 0:
        raise ValueError(f"trunc_normal_: `std` (={std}) must be positive")
    if not a <= b:
        raise ValueError(f"trunc_normal_: `a` (={a}) must be at most `b` (={b})")
    low, high = (a - mean) / std, (b - mean) / std
    # Drawing anew costs 1 / probability draws a number, the quantile 300 ns.
    often = _probability_below(high) - _probability_below(low) > 0.05
    z = (_redrawn if often else _by_quantile)(tensor.numel(), low, high, generator)
    return _write(tensor, np.clip(mean + std * z, a, b).reshape(tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill `tensor` with one value.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.init.constant_(nbnn.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    with no_grad():
        return _checked("constant_", tensor).fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill `tensor` with ones.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.init.ones_(nbnn.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill `tensor` with zeros.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.init.zeros_(nbnn.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: a Linear then passes as many inputs through as it has outputs.

    Raises
    ------
    ValueError
        If `tensor` is not a matrix.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.init.eye_(nbnn.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    return _write(tensor, np.eye(*_checked("eye_", tensor, (2,)).shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    r"""Fill the weight of a convolution with an impulse in the middle of each window: it passes its inputs through.

    Parameters
    ----------
    tensor : Tensor (out_channels, in_channels / groups, \*kernel_size)
        3, 4 or 5 axes.
    groups : int
        Groups of channels, each of which keeps its inputs.

    Raises
    ------
    ValueError
        If `tensor` has other axes or its first is not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.init.dirac_(nbnn.empty(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """
    shape = _checked("dirac_", tensor, (3, 4, 5)).shape
    groups = _check.integer("dirac_", "groups", groups, 1)
    if shape[0] % groups:
        raise ValueError(f"dirac_: `groups` (={groups}) must divide the first axis of `tensor`; got {tuple(shape)}")
    values = np.zeros(shape)
    each = shape[0] // groups
    middle = tuple(size // 2 for size in shape[2:])
    for group in range(groups):
        for channel in range(min(each, shape[1])):
            values[(group * each + channel, channel, *middle)] = 1
    return _write(tensor, values)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""Fill a weight with numbers uniform in :math:`\pm \text{gain} \sqrt{6 / (\text{fan\_in} + \text{fan\_out})}`.

    Parameters
    ----------
    tensor : Tensor (outputs, inputs, \*window)
    gain : float
        See `calculate_gain`.
    generator : Generator, optional

    Raises
    ------
    ValueError
        If `tensor` has fewer than 2 axes.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.xavier_uniform_(nbnn.empty(3, 5), gain=nn.init.calculate_gain("relu"))
    """
    bound = gain * math.sqrt(6.0 / max(1, sum(_calculate_fan_in_and_fan_out(tensor, "xavier_uniform_"))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    r"""Fill a weight with normal numbers of deviation :math:`\text{gain}\sqrt{2/(\text{fan\_in}+\text{fan\_out})}`.

    The arguments, errors and paper are those of `xavier_uniform_`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.xavier_normal_(nbnn.empty(3, 5))
    """
    std = gain * math.sqrt(2.0 / max(1, sum(_calculate_fan_in_and_fan_out(tensor, "xavier_normal_"))))
    return normal_(tensor, 0.0, std, generator)


def _kaiming_std(op: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans = _calculate_fan_in_and_fan_out(tensor, op)
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"{op}: `mode` (={mode!r}) must be 'fan_in' or 'fan_out'")
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fans[mode == "fan_out"]))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    r"""Fill a weight with numbers uniform in :math:`\pm \text{gain} \sqrt{3 / \text{fan}}`.

    Parameters
    ----------
    tensor : Tensor (outputs, inputs, \*window)
    a : float
        The slope of the leaky ReLU that follows.
    mode : "fan_in" or "fan_out"
        Whether the variance is kept on the way forward or on the way back.
    nonlinearity : str
        What follows; see `calculate_gain`.
    generator : Generator, optional

    Raises
    ------
    ValueError
        If `tensor` has fewer than 2 axes or a name is unknown.

    References
    ----------
    K. He et al., "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
    ICCV 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.kaiming_uniform_(nbnn.empty(3, 5), nonlinearity="relu")
    """
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    r"""Fill a weight with normal numbers of deviation :math:`\text{gain} / \sqrt{\text{fan}}`.

    The arguments, errors and paper are those of `kaiming_uniform_`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.kaiming_normal_(nbnn.empty(3, 5), mode="fan_out", nonlinearity="relu")
    """
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def affine_(weight: Tensor, bias: Tensor | None) -> None:
    r"""Fill weight and bias as Linear and the convolutions start: uniform in :math:`\pm 1 / \sqrt{\text{fan\_in}}`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w, b = nbnn.empty(3, 5), nbnn.empty(3)
    >>> nn.init.affine_(w, b)
    """
    kaiming_uniform_(weight, a=math.sqrt(5.0))
    if bias is not None:
        bound = 1.0 / math.sqrt(max(1, _calculate_fan_in_and_fan_out(weight)[0]))
        uniform_(bias, -bound, bound)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill `tensor`, seen as a matrix of its first axis by all others, with orthonormal rows or columns times `gain`.

    Parameters
    ----------
    tensor : Tensor
        At least 2 axes.
    gain : float
        The length of the rows (of the columns, where there are more rows than columns).
    generator : Generator, optional

    Raises
    ------
    ValueError
        If `tensor` has fewer than 2 axes.

    References
    ----------
    A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR 2014.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.orthogonal_(nbnn.empty(3, 5))
    """
    _calculate_fan_in_and_fan_out(tensor, "orthogonal_")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    q, r = np.linalg.qr(_host_normal((max(rows, columns), min(rows, columns)), generator))
    q = gain * q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # the sign of QR is a choice; this one is uniform
    return _write(tensor, np.ascontiguousarray(q if rows >= columns else q.T).reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with normal numbers of which a fraction in each column, at random, is zero.

    Parameters
    ----------
    tensor : Tensor (outputs, inputs)
    sparsity : float
        The fraction of each column that is zero, rounded up.
    std : float
        Deviation of the others.
    generator : Generator, optional

    Raises
    ------
    ValueError
        If `tensor` is not a matrix or `sparsity` is not between 0 and 1.

    References
    ----------
    J. Martens, "Deep learning via Hessian-free optimization", ICML 2010.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> w = nn.init.sparse_(nbnn.empty(3, 5), sparsity=0.1)
    """
    shape = _checked("sparse_", tensor, (2,)).shape
    zeros = math.ceil(_check.probability("sparse_", "sparsity", sparsity) * shape[0])
    values = std * _host_normal(shape, generator)
    order = np.argsort(_host_uniform(shape, 0.0, 1.0, generator), axis=0)
    np.put_along_axis(values, order[:zeros], 0.0, axis=0)
    return _write(tensor, values)


def _older(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The older spelling of a function, without its underscore."""
    name = function.__name__

    @functools.wraps(function)
    def older(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"init.{name[:-1]} is the old spelling of init.{name}", DeprecationWarning, stacklevel=2)
        return function(*args, **kwargs)

    older.__name__ = older.__qualname__ = name[:-1]
    older.__doc__ = f"The older spelling of `{name}`; it warns."
    return older


constant = _older(constant_)
dirac = _older(dirac_)
eye = _older(eye_)
kaiming_normal = _older(kaiming_normal_)
kaiming_uniform = _older(kaiming_uniform_)
normal = _older(normal_)
orthogonal = _older(orthogonal_)
sparse = _older(sparse_)
uniform = _older(uniform_)
xavier_normal = _older(xavier_normal_)
xavier_uniform = _older(xavier_uniform_)
