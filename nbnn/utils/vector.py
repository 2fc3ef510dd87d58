"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional.joining import cat
from nbnn.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of the parameters in one vector, in order; gradients flow back to them.

    Raises
    ------
    ValueError
        If there are none, or they lie on different devices.
    TypeError
        If one is not a Tensor.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).shape
    nbnn.Size([9])
    """
    op = "parameters_to_vector"
    given = [_check.tensor(op, "parameters", p) for p in parameters]
    if not given:
        raise ValueError(f"{op}: `parameters` must not be empty")
    if len({p.device for p in given}) > 1:
        raise ValueError(f"{op}: `parameters` must lie on one device; got {sorted({str(p.device) for p in given})}")
    return cat([p.reshape(-1) for p in given])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy the elements of a vector into the parameters, in order.

    Raises
    ------
    ValueError
        If `vec` is not a vector of as many elements as the parameters have; nothing is changed then.
    TypeError
        If an argument is not a Tensor.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.Linear(2, 1)
    >>> nn.utils.vector_to_parameters(nbnn.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])
    """
    op = "vector_to_parameters"
    _check.tensor(op, "vec", vec)
    given = [_check.tensor(op, "parameters", p) for p in parameters]
    total = sum(p.numel() for p in given)
    if tuple(vec.shape) != (total,):
        raise ValueError(
            f"{op}: `vec` must have shape ({total},), the elements of `parameters`; got {tuple(vec.shape)}"
        )
    start = 0
    with no_grad():
        for p in given:
            p.copy_(vec[start : start + p.numel()].reshape(p.shape))
            start += p.numel()
