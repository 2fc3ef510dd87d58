"""Reflections whose product is a given orthogonal matrix."""

from __future__ import annotations

import numpy as np

from nbnn.tensor import Tensor, from_array, host_view


def reflectors(q: Tensor) -> Tensor:
    """The matrix whose reflections multiply to the columns of `q`: below the diagonal, and their signs on it."""
    values = host_view(q.detach())
    raw, tau = np.linalg.qr(values, mode="raw")
    found = np.array(np.swapaxes(raw, -1, -2), values.dtype, order="C")
    k = np.arange(found.shape[-1])
    signs = np.where(found[..., k, k] >= 0, 1, -1)
    found[..., k, k] = np.where(tau == 0, -signs, signs)
    return from_array(found).to(q.device)
