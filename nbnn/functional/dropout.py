"""Dropout."""

from __future__ import annotations

from nbnn.autograd import Node
from nbnn.device import default_generator
from nbnn.functional import _check
from nbnn.functional.activation import _in_place
from nbnn.kernels import dropout as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


def _dropout_grad(node: Node, g: Tensor) -> tuple:
    """The mask is a function of seed and counter: the same op on the gradient drops the same elements."""
    return (apply(DROPOUT, g, params=node.params),)


DROPOUT = Op("dropout", K.dropout, grad=_dropout_grad, work=lambda *_: 4, fast=K.dropout_fast)


@takes_arrays
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    r"""Zero each element with probability p and divide the others by 1 - p.

    :math:`y_i = m_i x_i / (1 - p)` with :math:`m_i` from the counter-based generator: the same seed drops the same
    elements on any number of threads and on CUDA.

    Parameters
    ----------
    input : Tensor or array of any shape
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1].
    TypeError
        If `input` is not of a floating-point type.

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.dropout(nbnn.ones(3), p=1.0)
    tensor([0., 0., 0.])
    """
    _check.floating("dropout", "input", input)
    rate = _check.probability("dropout", "p", p)
    if not training:
        return input
    if inplace:
        return _in_place("dropout", lambda x: dropout(x, p, training), input)
    if rate == 0.0:
        return apply(DROPOUT, input, params=(0.0, 0, 0))
    return apply(DROPOUT, input, params=(rate, default_generator.initial_seed(), default_generator.next_offset(1)))
