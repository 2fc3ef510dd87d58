"""Products of matrices: matmul and linear."""

from __future__ import annotations

import math
from typing import Any

from nbnn.autograd import Node
from nbnn.functional import _check, _precision
from nbnn.functional._elementwise import whole
from nbnn.functional._rules import linear_rule
from nbnn.functional.array import promoted
from nbnn.functional.shape import RESHAPE, broadcast_to, permute, transpose
from nbnn.kernels import linear as K
from nbnn.kernels import linear_bf16 as K16
from nbnn.op import Op, Shortcut, apply, takes_arrays
from nbnn.tensor import Tensor

_rough = _precision.state

# -- batched products of contiguous matrices: the one op behind everything here -------------------------------------
# params: batch, m, k, n, then the steps between matrices, rows and columns of a (m x k) and of b (k x n); an operand
# may lie transposed in memory, so that a transpose costs nothing and the gradients of a product are products


def _bmm(a: Tensor, b: Tensor, batch: int, m: int, k: int, n: int, ta: bool, tb: bool) -> Tensor:
    steps_a = (m * k, 1, m) if ta else (m * k, k, 1)
    steps_b = (k * n, 1, k) if tb else (k * n, n, 1)
    op = BMM if _rough.terms == 0 else _precision.chosen(BMM, a._dtype, m, n, k)
    return apply(op, a, b, params=(batch, m, k, n, *steps_a, *steps_b))


def _lies_transposed(shape: tuple[int, ...], rows: int, columns: int, column_step: int) -> bool:
    return shape[-2:] != (rows, columns) or (rows == columns and column_step != 1)


def _bmm_grad(node: Node, g: Tensor) -> tuple:
    """dA = g B^T and dB = A^T g, each in the layout of its operand."""
    a, b = node.saved
    batch, m, k, n, _, _, a_column, _, _, b_column = node.params
    ta = _lies_transposed(node.input_shapes[0], m, k, a_column)
    tb = _lies_transposed(node.input_shapes[1], k, n, b_column)
    da = db = None
    if node.needs[0]:
        da = _bmm(b, g, batch, k, n, m, tb, True) if ta else _bmm(g, b, batch, m, n, k, False, not tb)
    if node.needs[1]:
        db = _bmm(g, a, batch, n, m, k, True, ta) if tb else _bmm(a, g, batch, k, m, n, not ta, False)
    return _as(da, node.input_shapes[0]), _as(db, node.input_shapes[1])


def _as(t: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    return t if t is None or t._shape == shape else apply(RESHAPE, t, params=(shape,))


BMM = Op(
    "matmul",
    K.matmul,
    shape=lambda params, a, b: (params[1:4:2] if len(a) == 2 else (params[0], params[1], params[3]),),
    work=lambda params, a, b: params[2] + 1,
    grad=_bmm_grad,
    saves_inputs=(0, 1),
    fast=K.matmul_fast,
    workspace=K.matmul_workspace,
    takes_complex=True,
)


@takes_arrays
def matmul(input: Any, other: Any) -> Tensor:
    r"""The product of matrices, :math:`y_{ij} = \sum_k a_{ik} b_{kj}`, with vectors and batches.

    Parameters
    ----------
    input : Tensor of shape (..., m, k) or (k,)
    other : Tensor of shape (..., k, n) or (k,)
        The leading axes broadcast; a vector on the left is a row, on the right a column, and its axis is dropped again.

    Returns
    -------
    Tensor of shape (..., m, n)

    Raises
    ------
    ValueError
        If the inner sizes differ, an operand has no axes, or the leading axes do not broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.matmul(nbnn.tensor([[1.0, 2.0]]), nbnn.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    if _rough.terms == 0 and (out := _products.take(input, other)) is not None:
        return out
    a, b = promoted("matmul", input, other)
    first, second = a._shape, b._shape
    axes = len(first)
    if (axes == 2 or axes == 3) and len(second) == axes and first[-1] == second[-2] and first[:-2] == second[:-2]:
        return _product(a, b)
    if not a._shape or not b._shape:
        raise ValueError(f"matmul: operands must have at least one axis; got shapes {a._shape} and {b._shape}")
    row, column = a.dim() == 1, b.dim() == 1
    a = apply(RESHAPE, a, params=((1, *a._shape),)) if row else a
    b = apply(RESHAPE, b, params=((*b._shape, 1),)) if column else b
    if a._shape[-1] != b._shape[-2]:
        raise ValueError(
            f"matmul: the last size of `input` (={a._shape[-1]}) must equal the second last of `other` "
            f"(={b._shape[-2]}); got shapes {tuple(input.shape)} and {tuple(other.shape)}"
        )
    out = _batched(a, b)
    shape = out._shape
    if row or column:
        out = apply(
            RESHAPE, out, params=((*shape[:-2], *(() if row else shape[-2:-1]), *(() if column else shape[-1:])),)
        )
    return out


def _batched(a: Tensor, b: Tensor) -> Tensor:
    m, k, n = a._shape[-2], a._shape[-1], b._shape[-1]
    if b.dim() == 2:  # one matrix on the right: the batch is more rows
        rows = math.prod(a._shape[:-1])
        out = _product(apply(RESHAPE, a, params=((1, rows, k),)), apply(RESHAPE, b, params=((1, k, n),)))
        return apply(RESHAPE, out, params=((*a._shape[:-1], n),))
    batch = _check.broadcast_shapes("matmul", a._shape[:-2], b._shape[:-2])
    a = apply(RESHAPE, broadcast_to(a, (*batch, m, k)), params=((math.prod(batch), m, k),))
    b = apply(RESHAPE, broadcast_to(b, (*batch, k, n)), params=((math.prod(batch), k, n),))
    return apply(RESHAPE, _product(a, b), params=((*batch, m, n),))


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The product of two matrices, or of two batches of as many."""
    *batches, m, k = a._shape
    batch = batches[0] if batches else 1
    n = b._shape[-1]
    if a._strides is None and b._strides is None and _rough.terms == 0:
        params = (batch, m, k, n, m * k, k, 1, k * n, n, 1)
        out = apply(BMM, a, b, params=params)
        _products.learn((a, b), params)
        return out
    a, ta = _layout(a)
    b, tb = _layout(b)
    return _bmm(a, b, batch, m, k, n, ta, tb)


def _layout(x: Tensor) -> tuple[Tensor, bool]:
    """A batch of matrices, or the transpose of one whose transpose is what is contiguous, and whether it is that."""
    if not x.is_contiguous():
        other = transpose(x, -2, -1)
        if other.is_contiguous():
            return other, True
    return x, False


# -- linear --------------------------------------------------------------------------------------------------------


def _linear_shape(params: tuple, x: Any, w: Any, b: Any) -> tuple:
    return ((params[0], params[2]),)


def _linear_grad(node: Node, g: Tensor) -> tuple:
    x, w = node.saved
    need_x, need_w, need_b = node.needs
    op = LINEAR_BACKWARD if _rough.terms == 0 else _precision.chosen(LINEAR_BACKWARD, g._dtype, *node.params)
    found = apply(op, g, x, w, params=(*node.params, int(need_x), int(need_w), int(need_b)))
    return found[0] if need_x else None, found[1] if need_w else None, found[2] if need_b else None


def _linear_backward_shape(params: tuple, g: Any, x: Any, w: Any) -> tuple:
    n, k, m, need_x, need_w, need_b = params
    return (n, k) if need_x else (0,), (m, k) if need_w else (0,), (m,) if need_b else (0,)


def _linear_backward_count(params: tuple, g: Any, x: Any, w: Any) -> int:
    n, k, m, need_x, need_w, need_b = params
    return n * k * need_x + m * k * need_w + m * need_b


def _linear_backward_grad(node: Node, vx: Tensor, vw: Tensor, vb: Tensor) -> tuple:
    """From dx = g w, dw = g^T x, db = sum of g: each factor's gradient is a product with the others."""
    g, x, w = node.saved
    n, k, m, need_x, need_w, need_b = node.params
    dg = dx = dw = None
    if node.needs[0]:
        added = vb if need_b else None
        if need_x:
            dg = apply(LINEAR, vx, w, added, params=(n, k, m))
            added = None
        if need_w:
            other = apply(LINEAR, x, vw, added, params=(n, k, m))
            dg = other if dg is None else dg + other
        if dg is None:
            dg = broadcast_to(vb, (n, m))
    if need_w and node.needs[1]:
        dx = _as(_bmm(g, vw, 1, n, m, k, False, False), (n, k))
    if need_x and node.needs[2]:
        dw = _as(_bmm(g, vx, 1, m, n, k, True, False), (m, k))
    return dg, dx, dw


LINEAR_BACKWARD = Op(
    "linear_backward",
    K.linear_backward,
    shape=_linear_backward_shape,
    dtypes=(None, None, None),
    count=_linear_backward_count,
    work=lambda params, g, x, w: max(params[0], params[2]) + 1,
    grad=_linear_backward_grad,
    saves_inputs=(0, 1, 2),
    fast=K.linear_backward_fast,
    workspace=K.linear_backward_workspace,
    takes_complex=True,
)
LINEAR = Op(
    "linear",
    K.linear,
    shape=_linear_shape,
    work=lambda params, *_: params[1] + 1,
    grad=_linear_grad,
    saves_inputs=(0, 1),
    fast=K.linear_fast,
    workspace=K.linear_workspace,
    takes_complex=True,
)
_products, _affine = Shortcut(BMM), Shortcut(LINEAR)
_precision.twin(BMM, K16.matmul_bf16_fast, K16.matmul_workspace)
_precision.twin(LINEAR, K16.linear_bf16_fast, K16.linear_workspace)
_precision.twin(LINEAR_BACKWARD, K16.linear_backward_bf16_fast, K16.linear_backward_workspace)


def _fits(input: Any, weight: Any, bias: Any) -> bool:
    """Whether the operands are matrices that fit together: the usual case, known without asking check by check."""
    if not (isinstance(input, Tensor) and isinstance(weight, Tensor)):
        return False
    shape, outer, kind = input._shape, weight._shape, input._dtype
    if len(shape) != 2 or len(outer) != 2 or shape[1] != outer[1] or kind is not weight._dtype:
        return False
    if not kind.is_differentiable:
        return False
    return bias is None or (isinstance(bias, Tensor) and bias._shape == outer[:1] and bias._dtype is kind)


@takes_arrays
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""Affine map, :math:`y = x W^\mathsf{T} + b`.

    Parameters
    ----------
    input : Tensor of shape (..., in_features)
    weight : Tensor of shape (out_features, in_features) or (in_features,)
    bias : Tensor of shape (out_features,), optional

    Returns
    -------
    Tensor of shape (..., out_features); (...) for a `weight` of one axis

    Raises
    ------
    ValueError
        If the sizes do not fit together.
    TypeError
        If the types differ, or are neither floating-point nor complex.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.linear(nbnn.tensor([1.0, 2.0]), nbnn.tensor([[3.0, 4.0]]), nbnn.tensor([0.5]))
    tensor([11.5000])
    """
    if _rough.terms == 0 and (out := _affine.take(input, weight, bias)) is not None:
        return out
    if _fits(input, weight, bias):
        sizes = (*input._shape, weight._shape[0])
        op = LINEAR if _rough.terms == 0 else _precision.chosen(LINEAR, input._dtype, *sizes)
        out = apply(op, input, weight, bias, params=sizes)
        if op is LINEAR:
            _affine.learn((input, weight, bias), sizes)
        return out
    of_integers = whole("linear", linear, input=input, weight=weight, bias=bias)
    if of_integers is not None:
        return of_integers
    _check.inexact("linear", "input", input)
    _check.tensor("linear", "weight", weight)
    _check.same_dtype("linear", input=input, weight=weight, bias=bias)
    if weight.dim() == 1:
        if bias is not None and (bias._shape or input.dim() == 2):
            raise ValueError(
                "linear: where `weight` has 1 axis, `bias` must be None, or have shape () and `input` not 2 axes; "
                f"got bias {bias._shape}, input {input._shape}"
            )
        out = linear(input, apply(RESHAPE, weight, params=((1, *weight._shape),)), bias)
        return apply(RESHAPE, out, params=(out._shape[:-1],))
    shape = input._shape
    if bias is not None and bias.dim() > 1 and weight.dim() == 2 and shape[-1:] == weight._shape[1:]:
        wanted = (*shape[:-1], weight._shape[0])
        if _check.broadcast_shapes("linear", wanted, bias._shape) == wanted:
            return linear(input, weight) + bias
    bias_shape = None if bias is None else bias._shape
    refusal = linear_rule(shape, weight._shape, bias_shape)
    _check.rule("linear", "linear", refusal, input=shape, weight=weight._shape, bias=bias_shape)
    m, k = weight._shape
    if bias is not None and bias._shape != (m,):
        bias = broadcast_to(bias, (m,))
    rows = math.prod(shape[:-1])
    x = input if len(shape) == 2 else apply(RESHAPE, input, params=((rows, k),))
    op = LINEAR if _rough.terms == 0 else _precision.chosen(LINEAR, x._dtype, rows, k, m)
    out = apply(op, x, weight, bias, params=(rows, k, m))
    return out if len(shape) == 2 else apply(RESHAPE, out, params=((*shape[:-1], m),))


@takes_arrays
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    r"""A form of two vectors, :math:`y_k = x_1^T W_k x_2 + b_k`.

    Parameters
    ----------
    input1 : Tensor of shape (\*, I)
    input2 : Tensor of shape (\*, J)
    weight : Tensor of shape (K, I, J)
    bias : Tensor of shape (K,), optional

    Returns
    -------
    Tensor of shape (\*, K)

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If the inputs are no Tensors or arrays of floating-point numbers of one dtype.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.bilinear(nbnn.ones(1, 2), nbnn.ones(1, 3), nbnn.ones(1, 2, 3))
    tensor([[6.]])
    """
    op = "bilinear"
    of_integers = whole(op, bilinear, input1=input1, input2=input2, weight=weight, bias=bias)
    if of_integers is not None:
        return of_integers
    _check.floating(op, "input1", input1)
    _check.tensor(op, "input2", input2)
    _check.tensor(op, "weight", weight)
    _check.same_dtype(op, input1=input1, input2=input2, weight=weight, bias=bias)
    shapes = (input1._shape, input2._shape, weight._shape)
    if weight.dim() != 3:
        raise ValueError(f"{op}: `weight` must have shape (K, I, J); got {weight._shape}")
    k, i, j = weight._shape
    lead = input1._shape[:-1]
    if not (input1._shape and input2._shape) or shapes[:2] != ((*lead, i), (*lead, j)):
        raise ValueError(
            f"{op}: `input1` and `input2` must have shapes (*, {i}) and (*, {j}) for weight {weight._shape}; "
            f"got {input1._shape} and {input2._shape}"
        )
    if bias is not None and bias._shape != (k,):
        raise ValueError(f"{op}: `bias` must have shape ({k},); got {bias._shape}")
    rows = math.prod(lead)
    half = matmul(input1.reshape(rows, i), permute(weight, 1, 0, 2).reshape(i, k * j)).reshape(rows, k, j)
    y = matmul(half, input2.reshape(rows, j, 1)).reshape(*lead, k)
    return y if bias is None else y + bias
