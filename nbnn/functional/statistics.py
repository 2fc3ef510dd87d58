"""Products, counts, variances, norms and logsumexp, of all elements or along axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, sub
from nbnn.functional.array import mean
from nbnn.functional.comparison import eq, ne
from nbnn.functional.conversion import cast
from nbnn.functional.cumulative import products_of_others, summands
from nbnn.functional.decomposition import svdvals
from nbnn.functional.extreme import extreme_of
from nbnn.functional.pointwise import exp, log
from nbnn.functional.reduction import axes_of, lines, neighbours, reduced, sum_middle, sum_over
from nbnn.functional.shape import reshape
from nbnn.functional.views import movedim
from nbnn.kernels import array as K_array
from nbnn.kernels import statistics as K
from nbnn.op import Launch, Op, apply, takes_arrays
from nbnn.tensor import Tensor, make

# -- reductions by blocks ------------------------------------------------------------------------------------------


def _blocks(kernel: Any, data: Any, ins: tuple, geometry: tuple[int, int, int], kind: Any) -> tuple[Any, int]:
    """One step: a number for each block of the middle axis of (outer, length, inner); and how many blocks there are."""
    outer, length, inner = geometry
    blocks = -(-length // K.BLOCK)
    out = _device.empty(outer * blocks * inner, kind.storage, _device.of(data))
    work = min(length, K.BLOCK) * min(inner, K.STRIP)
    _device.launch(kernel, (out,), (data, *ins), (length, inner), outer * blocks * -(-inner // K.STRIP), work)
    return out, blocks


def _filled(count: int, kind: dtypes.dtype, where: Any, value: float) -> Any:
    return _device.full(count, kind.storage, where, value)


def _centre(data: Any, geometry: tuple[int, int, int], kind: dtypes.dtype) -> Any:
    """The mean of each line."""
    outer, length, inner = geometry
    total = sum_middle(data, outer, length, inner, kind)
    out = _device.empty(outer * inner, kind.storage, _device.of(data))
    _device.launch(K_array.div_scalar, (out,), (total,), (float(length),), outer * inner)
    return out


def _squares_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    """The sum of squares along axes, about 0 or about the mean."""
    axes, shape, centred = params
    data, *geometry = lines(x, axes)
    outer, length, inner = geometry
    kind, where = x._dtype, x.device
    if length == 0:
        return (make(_filled(outer * inner, kind, where, 0), shape, kind),)
    about = _centre(data, (outer, length, inner), kind) if centred else _filled(outer * inner, kind, where, 0)
    out, blocks = _blocks(K.squares, data, (about,), (outer, length, inner), kind)
    return (make(sum_middle(out, outer, blocks, inner, kind) if blocks > 1 else out, shape, kind),)


def _squares_grad(node: Node, g: Tensor) -> tuple:
    (x,) = node.saved
    axes, _, centred = node.params
    away = sub(x, mean(x, axes, True)) if centred and axes else sub(x, x) if centred else x
    return (mul(mul(away, reshape(g, reduced(x._shape, axes, True))), 2.0),)


def _prod_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    axes, shape = params
    data, outer, length, inner = lines(x, axes)
    if length == 0:
        return (make(_filled(outer * inner, x._dtype, x.device, 1), shape, x._dtype),)
    while True:
        data, length = _blocks(K.products, data, (), (outer, length, inner), x._dtype)
        if length == 1:
            return (make(data, shape, x._dtype),)


def _prod_plan(params: tuple, shape: tuple[int, ...]) -> Launch | None:
    """The products along neighbouring axes that are no longer than a block, in one launch."""
    axes, out_shape = params
    middle = neighbours(shape, axes)
    if middle is None or middle[1] > K.BLOCK:
        return None
    outer, length, inner = middle
    items = outer * -(-inner // K.STRIP)
    return Launch(K.products, (out_shape,), (length, inner), length * min(inner, K.STRIP), items=items)


def _prod_grad(node: Node, g: Tensor) -> tuple:
    (x,) = node.saved
    axes = node.params[0]
    if not axes:
        return (g,)
    if len(axes) > 1:  # all of them
        return (reshape(mul(products_of_others(reshape(x, (-1,)), 0), g), x._shape),) if x.numel() else (x,)
    return (mul(products_of_others(x, axes[0]), reshape(g, reduced(x._shape, axes, True))),)


SQUARES = Op("var", forward=_squares_forward, grad=_squares_grad, saves_inputs=(0,))
PROD = Op("prod", forward=_prod_forward, plan=_prod_plan, strided=True, grad=_prod_grad, saves_inputs=(0,))
SIGN = Op("sign", K.sign)
ABS: Op = Op("norm", K.absolute, grad=lambda node, g: (mul(g, apply(SIGN, node.saved[0])),), saves_inputs=(0,))


def _power_grad(other: Callable[[], Op]) -> Callable:
    """d|x|^q = q sign(x) |x|^(q-1) and d(sign(x) |x|^q) = q |x|^(q-1); both 0 where x is."""

    def grad(node: Node, g: Tensor) -> tuple:
        (x,) = node.saved
        q = node.params[0]
        rest = (0.0,) if other() is ABS_POWER else ()
        return (mul(mul(g, apply(other(), x, params=(q - 1.0, *rest))), q),)

    return grad


ABS_POWER: Op = Op("norm", K.abs_power, grad=_power_grad(lambda: SIGNED_POWER), saves_inputs=(0,), work=lambda *_: 16)
SIGNED_POWER: Op = Op(
    "norm", K.signed_power, grad=_power_grad(lambda: ABS_POWER), saves_inputs=(0,), work=lambda *_: 16
)
FINITE = Op("finite", K.finite, grad=lambda node, g: (apply(FINITE_BACKWARD, g, node.saved[0]),), saves_inputs=(0,))
FINITE_BACKWARD: Op = Op(
    "finite",
    K.finite_backward,
    grad=lambda node, g: (apply(FINITE_BACKWARD, g, node.saved[0]), None),
    saves_inputs=(1,),
)


def _root(x: Tensor) -> Tensor:
    """The square root of what is not negative; its gradient at 0 is 0."""
    return apply(ABS_POWER, x, params=(0.5, 0.0))


# -- products and counts -------------------------------------------------------------------------------------------


@takes_arrays
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product of all elements, or along an axis; 1 where there is none.

    The gradient is made without divisions, and so right also where elements are 0.

    Parameters
    ----------
    input : Tensor
        Integers and bools are multiplied in int64.
    dim : int, optional
    keepdim : bool
        Keep the axis with size 1.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 2.0], [3.0, 4.0]]).prod(1)
    tensor([ 2., 12.])
    """
    x, kind = summands("prod", input, dtype)
    axis = None if dim is None else _check.dim("prod", dim, x.dim())
    axes, shape = axes_of("prod", x._shape, axis, keepdim)
    return cast(apply(PROD, x, params=(axes, shape)), kind)


def _count(op: str, input: Tensor, dim: Any, keepdim: bool) -> tuple[Tensor, int]:
    """How many elements along the axes are not 0, and of how many."""
    x = _check.real(op, "input", input).detach()
    axes, shape = axes_of(op, x._shape, dim, keepdim)
    kind = x._dtype
    if kind is not dtypes.bool_:
        x = cast(x, dtypes.float32) if kind.is_half else x if kind.is_floating_point else cast(x, dtypes.int64)
    data, outer, length, inner = lines(x, axes)
    if length == 0:
        return make(_filled(outer * inner, dtypes.int64, x.device, 0), shape, dtypes.int64), 0
    out, blocks = _blocks(K.counts, data, (), (outer, length, inner), dtypes.int64)
    return make(sum_middle(out, outer, blocks, inner, dtypes.int64), shape, dtypes.int64), length


def _verdict(input: Tensor, truth: Tensor) -> Tensor:
    """A bool, or for a Tensor of uint8 another one."""
    return cast(truth, dtypes.uint8) if input._dtype is dtypes.uint8 else truth


@takes_arrays
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements (along axes) are different from 0; true where there are none. NaN is not 0.

    Along no axes, ``dim=()``, each element stands for itself.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[True, False], [True, True]]).all(1)
    tensor([False,  True])
    """
    if dim in ((), []):
        return _verdict(input, cast(input.detach(), dtypes.bool_))
    count, length = _count("all", input, dim, keepdim)
    return _verdict(input, eq(count, length))


@takes_arrays
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any element (along axes) is different from 0; false where there are none. NaN is not 0.

    Along no axes, ``dim=()``, each element stands for itself.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[True, False], [False, False]]).any(1)
    tensor([ True, False])
    """
    if dim in ((), []):
        return _verdict(input, cast(input.detach(), dtypes.bool_))
    return _verdict(input, ne(_count("any", input, dim, keepdim)[0], 0))


@takes_arrays
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements (along axes) are different from 0. NaN is not 0.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[0, 1], [2, 3]]).count_nonzero(0)
    tensor([1, 2])
    """
    return _count("count_nonzero", input, dim, False)[0]


# -- variances -----------------------------------------------------------------------------------------------------


def _variance(op: str, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> tuple[Tensor, Any]:
    """The variance (in float32 for halves), and the axes by which it was taken."""
    if isinstance(dim, bool) and unbiased is None:  # var(x, False) says that it is biased
        dim, unbiased = None, dim
    if unbiased is not None and not isinstance(unbiased, bool):
        raise TypeError(f"{op}: `unbiased` (={unbiased!r}) must be a bool; got {type(unbiased).__name__}")
    if unbiased is not None and correction is not None:
        raise ValueError(f"{op}: `unbiased` (={unbiased}) and `correction` (={correction}) exclude each other")
    x = _check.tensor(op, "input", input)
    _check.floating(op, "input", x)
    lost = float(unbiased is not False) if correction is None else _check.number(op, "correction", correction)
    axes, shape = axes_of(op, x._shape, dim, keepdim)
    x = cast(x, dtypes.float32) if x._dtype.is_half else x
    count = math.prod([x._shape[k] for k in axes])
    free = count - lost if count else 0.0
    return div(apply(SQUARES, x, params=(axes, shape, True)), free if free > 0 else 0.0), dim


@takes_arrays
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    r"""The variance of all elements, or along axes: :math:`\frac{1}{n - c} \sum_i (x_i - \bar x)^2`.

    The squares are taken about the mean in a second pass, and summed in a fixed tree.

    Parameters
    ----------
    input : Tensor
    dim : int or tuple, optional
    unbiased : bool, optional
        False is ``correction=0``, True ``correction=1``; may stand in the place of `dim`.
    keepdim : bool
        Keep the axes with size 1.
    correction : number, optional
        c, 1 by default. Where n is not larger the result is infinite, or NaN.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 2.0, 3.0], [1.0, 3.0, 5.0]]).var(1)
    tensor([1., 4.])
    """
    return cast(_variance("var", input, dim, unbiased, keepdim, correction)[0], input._dtype)


@takes_arrays
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """The standard deviation: the square root of `var`. Its gradient where all elements are equal is 0.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    unbiased : bool, optional
        Divide by n - 1 (the default) or by n.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.
    correction : int or float, optional
        What is taken off n, instead of `unbiased`.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 2.0, 3.0], [1.0, 3.0, 5.0]]).std(1)
    tensor([1., 2.])
    """
    return cast(_root(_variance("std", input, dim, unbiased, keepdim, correction)[0]), input._dtype)


@takes_arrays
def var_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Tensor, Tensor]:
    """`var` and `mean`.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    unbiased : bool, optional
        Divide by n - 1 (the default) or by n.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.
    correction : int or float, optional
        What is taken off n, instead of `unbiased`.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.var_mean(nbnn.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    squared, axes = _variance("var_mean", input, dim, unbiased, keepdim, correction)
    return cast(squared, input._dtype), mean(input, axes, keepdim)


@takes_arrays
def std_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Tensor, Tensor]:
    """`std` and `mean`.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    unbiased : bool, optional
        Divide by n - 1 (the default) or by n.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.
    correction : int or float, optional
        What is taken off n, instead of `unbiased`.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.std_mean(nbnn.tensor([1.0, 3.0, 5.0]))
    (tensor(2.), tensor(3.))
    """
    squared, axes = _variance("std_mean", input, dim, unbiased, keepdim, correction)
    return cast(_root(squared), input._dtype), mean(input, axes, keepdim)


# -- norms ---------------------------------------------------------------------------------------------------------


@takes_arrays
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    r"""The vector norm of all elements, or along axes: :math:`\left(\sum_i |x_i|^p\right)^{1/p}`.

    Parameters
    ----------
    input : Tensor
    p : float, "fro" or "nuc"
        Any order: infinite for the largest absolute value, -infinite for the smallest, 0 for the number of elements
        that are not 0; "fro" is 2, "nuc" the sum of the singular values of matrices.
    dim : int or tuple, optional
    keepdim : bool
        Keep the axes with size 1.
    dtype : dtype, optional
        Convert to this type first.

    Notes
    -----
    At 0 the gradient is 0, and the norms of infinite order share theirs evenly between the elements that give them.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    ValueError
        If `p` is another string, or a norm of infinite or negative order has nothing to choose from.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[3.0, 4.0], [6.0, 8.0]]).norm(dim=1)
    tensor([ 5., 10.])
    """
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise ValueError(f'norm: `p` (={p!r}) must be a number, "fro" or "nuc"')
    order = 2.0 if isinstance(p, str) or p is None else _check.number("norm", "p", p)
    x = _check.tensor("norm", "input", input)
    if dtype is not None:
        x = cast(x, as_dtype(dtype, "norm"))
    _check.floating("norm", "input", x)
    kind = x._dtype
    axes, shape = axes_of("norm", x._shape, dim, keepdim)
    if p == "nuc":
        if len(axes) != 2:
            raise ValueError(f'norm: the order "nuc" needs two axes; got `dim` (={dim}) for input {x._shape}')
        return reshape(sum_over(svdvals(movedim(x, axes, (-2, -1))), (x.dim() - 2,), ()), shape)
    x = cast(x, dtypes.float32) if kind.is_half else x
    return cast(p_norm("norm", x, order, axes, shape), kind)


def p_norm(op: str, x: Tensor, p: float, axes: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """The p-norm along axes, in float32 or float64: what every norm of this library is made of."""
    if (p < 0 or p == math.inf) and 0 in [x._shape[k] for k in axes]:
        raise ValueError(f"{op}: a norm of order {p} needs at least one number; got input {x._shape}")
    if p == 2.0:
        return _root(apply(SQUARES, x, params=(axes, shape, False)))
    size = apply(ABS, x) if math.isinf(p) or p == 1.0 else x
    if math.isinf(p):
        return reshape(extreme_of(op, size, axes, False, p < 0), shape)
    if p == 1.0:
        return sum_over(size, axes, shape)
    total = sum_over(apply(ABS_POWER, x, params=(p, math.inf if p < 0 else 0.0)), axes, shape)
    return total if p == 0.0 else apply(ABS_POWER, total, params=(1.0 / p, math.inf if p < 0 else 0.0))


# -- logsumexp -----------------------------------------------------------------------------------------------------


def _logsumexp_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    axes, shape = params
    x, kept = x.detach(), reduced(x._shape, axes, True)
    if math.prod([x._shape[k] for k in axes]) == 0:
        return (log(sum_over(x, axes, shape)),)
    most = apply(FINITE, reshape(extreme_of("logsumexp", x, axes, False, False), kept))
    return (reshape(add(log(sum_over(exp(sub(x, most)), axes, kept)), most), shape),)


def _logsumexp_grad(node: Node, g: Tensor) -> tuple:
    x, y = node.saved
    kept = reduced(x._shape, node.params[0], True)
    return (mul(exp(sub(x, reshape(apply(FINITE, y), kept))), reshape(g, kept)),)


LOGSUMEXP = Op("logsumexp", forward=_logsumexp_forward, grad=_logsumexp_grad, saves_inputs=(0,), saves_outputs=(0,))


@takes_arrays
def logsumexp(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    r"""The logarithm of the sum of exponentials along axes: :math:`\log \sum_i e^{x_i}`.

    The largest element is taken out of the sum, which cannot overflow. Of nothing, and of -inf alone, it is -inf.

    Parameters
    ----------
    input : Tensor
        Integers are taken as floats.
    dim : int or tuple, optional
        All axes by default.
    keepdim : bool
        Keep the axes with size 1.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[0.0, 0.0], [1000.0, 1000.0]]).logsumexp(1)
    tensor([6.9315e-01, 1.0007e+03])
    """
    x = _check.real("logsumexp", "input", input)
    axes, shape = axes_of("logsumexp", x._shape, dim, keepdim)
    kind = x._dtype if x._dtype.is_floating_point else dtypes.get_default_dtype()
    wide = dtypes.float32 if kind.is_half else kind
    return cast(apply(LOGSUMEXP, cast(x, wide), params=(axes, shape)), kind)
