"""Maximum, average and power-average pooling in one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node, is_grad_enabled
from nbnn.dtypes import float32, float64, int64
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers
from nbnn.functional._rules import max_pool_rule
from nbnn.functional.array import cast, mean, mul, ne, neg
from nbnn.functional.rounding import abs as absolute
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import pooling as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# params of the ops of max pooling: D, H, W, OD, OH, OW, then kernel, stride, padding, dilation (three each; kernel 0:
# an adaptive axis). Those of average pooling have `inclusive` and `divisor` in the place of the dilation.


def _pooled_shape(params: tuple, x: tuple) -> tuple:
    shape = (*x[:2], *params[3:6])
    return (shape, shape)


def _window_work(params: tuple, *shapes: Any) -> int:
    if params[6] == 0:
        return 4 * (math.prod(params[:3]) // max(1, math.prod(params[3:6])) + 1)
    return 4 * params[6] * params[7] * params[8]


def _max_pool_grad(node: Node, g: Tensor, _: Any) -> tuple:
    (index,) = node.saved
    return (apply(MAX_POOL_BACKWARD, g, index, params=node.params),)


def _max_pool_backward_grad(node: Node, gg: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(GATHER_PLANES, gg, index, params=node.params), None)


def _gather_forward(x: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    n = index.numel()
    out = make(_device.empty(n, x._dtype.storage, x.device), index._shape, x._dtype)
    sizes = (math.prod(params[:3]), math.prod(params[3:6]))
    _device.launch(K.gather_planes, (out._data,), (flat(x), flat(index)), sizes, n)
    return (out,)


def _gather_grad(node: Node, g: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(MAX_POOL_BACKWARD, g, index, params=node.params), None)


MAX_POOL = Op(
    "max_pool",
    K.max_pool3d,
    shape=_pooled_shape,
    dtypes=(None, dtypes.int64),
    work=_window_work,
    saves_outputs=(1,),
    grad=_max_pool_grad,
    fast=K.max_pool3d_fast,
)
MAX_POOL_VALUES = Op(
    "max_pool_values",
    K.max_pool3d_values,
    shape=lambda params, x: ((*x[:2], *params[3:6]),),
    work=_window_work,
    fast=K.max_pool3d_values_fast,
)
MAX_POOL_BACKWARD = Op(
    "max_pool_backward",
    K.max_pool3d_backward,
    shape=lambda params, g, index: ((*g[:2], *params[:3]),),
    work=_window_work,
    saves_inputs=(1,),
    grad=_max_pool_backward_grad,
    fast=K.max_pool3d_backward_fast,
)
GATHER_PLANES = Op("max_pool_gather", forward=_gather_forward, saves_inputs=(1,), grad=_gather_grad)


AVG_POOL: Op = Op(
    "avg_pool",
    K.avg_pool3d,
    shape=lambda params, x: ((*x[:2], *params[3:6]),),
    work=_window_work,
    grad=lambda node, g: (apply(AVG_POOL_BACKWARD, g, params=node.params),),
    fast=K.avg_pool3d_fast,
)
AVG_POOL_BACKWARD: Op = Op(
    "avg_pool_backward",
    K.avg_pool3d_backward,
    shape=lambda params, g: ((*g[:2], *params[:3]),),
    work=_window_work,
    grad=lambda node, g: (apply(AVG_POOL, g, params=node.params),),
    fast=K.avg_pool3d_backward_fast,
)


POWER: Op = Op(
    "power",
    K.power,
    saves_inputs=(0,),
    grad=lambda node, g: (mul(mul(g, node.params[0]), apply(POWER, *node.saved, params=(node.params[0] - 1.0,))),),
)


def planes(op: str, n: int, x: Tensor) -> tuple[Tensor, tuple]:
    """The input as (N, C, D, H, W), with leading axes of length 1 among the pooled ones, and the shape of that."""
    _check.floating(op, "input", x)
    shape = x._shape
    if len(shape) not in (n + 1, n + 2):
        raise ValueError(f"{op}: `input` must have {n + 1} axes, or {n + 2} with a batch; got shape {shape}")
    batch = shape[0] if len(shape) == n + 2 else 1
    size = (batch, shape[-n - 1], *(1,) * (3 - n), *shape[-n:])
    return (apply(RESHAPE, x, params=(size,)) if size != shape else x), size


def _lead(values: tuple, fill: int) -> tuple:
    """The numbers of the pooled axes, as those of the last of three."""
    return (fill,) * (3 - len(values)) + values


def _as_given(y: Tensor, n: int, shape: tuple, sizes: tuple) -> Tensor:
    """The result with the axes that the input has."""
    out = (*shape[:-n], *sizes[3 - n :])
    return y if y._shape == out else apply(RESHAPE, y, params=(out,))


def _largest(x: Tensor, params: tuple, n: int, shape: tuple, return_indices: bool) -> Any:
    """Run the pooling: without positions where nobody asks for them, neither the caller nor a gradient."""
    if not (return_indices or (is_grad_enabled() and x.requires_grad)):
        return _as_given(apply(MAX_POOL_VALUES, x, params=params), n, shape, params[3:6])
    values, index = (_as_given(t, n, shape, params[3:6]) for t in apply(MAX_POOL, x, params=params))
    return (values, index) if return_indices else values


def _max_pool(
    op: str,
    n: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """Pool the last n axes."""
    if isinstance(input, Tensor) and input._dtype in dtypes.ALL[1:6]:  # integers
        wide = cast(input, float64)
        inner = _max_pool(op, n, wide, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
        return (cast(inner[0], input._dtype), inner[1]) if return_indices else cast(inner, input._dtype)
    x, size = planes(op, n, input)
    kernel = _check.ntuple(op, "kernel_size", kernel_size, n, 1)
    steps = kernel if stride is None or stride == () else _check.ntuple(op, "stride", stride, n, 1)
    pads = _check.ntuple(op, "padding", padding, n, 0)
    gaps = _check.ntuple(op, "dilation", dilation, n, 1)
    windows = (_lead(kernel, 1), _lead(steps, 1), _lead(pads, 0), _lead(gaps, 1))
    refusal, *outs = max_pool_rule(size, *windows, _check.flag(op, "ceil_mode", ceil_mode))
    _check.rule(op, "max_pool", refusal, input=input._shape, kernel_size=kernel, padding=pads, dilation=gaps)
    return _largest(x, (*size[2:], *outs, *sum(windows, ())), n, input._shape, return_indices)


def _avg_pool(
    op: str,
    n: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Any,
) -> Tensor:
    """Average the windows of the last n axes."""
    if isinstance(input, Tensor) and input._dtype is int64:
        wide = cast(input, float64)
        y = _avg_pool(op, n, wide, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        return cast(mul(y, 1.0 + 2.0**-40), int64)  # towards 0; a quotient without a rest stays what it is
    x, size = planes(op, n, input)
    kernel = _check.ntuple(op, "kernel_size", kernel_size, n, 1)
    steps = kernel if stride is None or stride == () else _check.ntuple(op, "stride", stride, n, 1)
    pads = _check.ntuple(op, "padding", padding, n, 0)
    divisor = 0 if divisor_override is None else _check.integer(op, "divisor_override", divisor_override)
    if divisor_override is not None and divisor == 0:
        raise ValueError(f"{op}: `divisor_override` (=0) must not be 0")
    windows = (_lead(kernel, 1), _lead(steps, 1), _lead(pads, 0))
    refusal, *outs = max_pool_rule(size, *windows, (1, 1, 1), _check.flag(op, "ceil_mode", ceil_mode))
    if n == 3 and not refusal and any(k > s for k, s in zip(kernel, size[2:], strict=True)):
        refusal = 2
    _check.rule(op, "avg_pool", refusal, input=input._shape, kernel_size=kernel, padding=pads)
    inclusive = int(_check.flag(op, "count_include_pad", count_include_pad))
    params = (*size[2:], *outs, *sum(windows, ()), inclusive, divisor)
    return _as_given(apply(AVG_POOL, x, params=params), n, input._shape, tuple(outs))


def _parts(op: str, n: int, input: Tensor, output_size: Any) -> tuple[Tensor, tuple, tuple]:
    """The input as planes, with its shape and the three sizes of the output; None keeps the input's size."""
    x, size = planes(op, n, input)
    or_none = ", or None for some of them" if n > 1 else ""
    if output_size is None or (n == 1 and output_size in ((None,), [None])):
        raise TypeError(f"{op}: `output_size` (={output_size!r}) must be an int or {n} ints{or_none}")
    if isinstance(output_size, (tuple, list)):
        if len(output_size) != n:
            raise ValueError(f"{op}: `output_size` (={tuple(output_size)}) must be an int or {n} ints{or_none}")
        given = tuple(output_size)
    else:
        given = (output_size,) * n
    wanted = tuple(
        s if g is None else _check.integer(op, "output_size", g, 0) for g, s in zip(given, size[-n:], strict=True)
    )
    if 0 in input._shape[1:]:
        raise ValueError(
            f"{op}: the axes of `input` that are pooled, and its channels, must not be empty; got input {input._shape}"
        )
    return x, size, _lead(wanted, 1)


def _adaptive_max_pool(op: str, n: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    x, size, outs = _parts(op, n, input, output_size)
    windows = (*(0,) * 3, *(1,) * 3, *(0,) * 3, *(1,) * 3)
    return _largest(x, (*size[2:], *outs, *windows), n, input._shape, return_indices)


def _adaptive_avg_pool(op: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    if isinstance(input, Tensor) and 0 in input._shape[1:] and output_size in (1, (1,) * n, [1] * n):
        x, size = planes(op, n, input)
        return _as_given(mean(x, (2, 3, 4), True), n, input._shape, (1, 1, 1))
    x, size, outs = _parts(op, n, input, output_size)
    kernel = steps = (0,) * 3
    if all(o and s % o == 0 for o, s in zip(outs, size[2:], strict=True)):  # equal parts: windows side by side
        kernel = steps = tuple(s // o for o, s in zip(outs, size[2:], strict=True))
    y = apply(AVG_POOL, x, params=(*size[2:], *outs, *kernel, *steps, *(0,) * 3, 0, 0))
    return _as_given(y, n, input._shape, outs)


def _lp_pool(op: str, n: int, input: Tensor, norm_type: Any, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    p = _check.number(op, "norm_type", norm_type)
    if n == 1 and math.isfinite(p):
        kernel_size = _check.integer(op, "kernel_size", kernel_size, 1)
    input = from_integers(input)
    _check.floating(op, "input", input)
    if p == 0 or p != p:
        raise ValueError(f"{op}: `norm_type` (={norm_type}) must be a number other than 0")
    if math.isinf(p):  # the limits: the largest and the smallest size
        sizes = absolute(input) if p > 0 else neg(absolute(input))
        largest = _max_pool(op, n, sizes, kernel_size, stride, 0, 1, ceil_mode, False)
        return largest if p > 0 else neg(largest)
    if input._dtype.is_half:  # powers leave the range of a half
        return cast(_lp_pool(op, n, cast(input, float32), p, kernel_size, stride, ceil_mode), input._dtype)
    means = _avg_pool(op, n, apply(POWER, input, params=(p,)), kernel_size, stride, 0, ceil_mode, True, None)
    count = math.prod(_check.ntuple(op, "kernel_size", kernel_size, n, 1))
    total = mul(means, count)
    if p == 1:
        total = mul(total, cast(ne(total.detach(), 0.0), total._dtype))  # the derivative at 0 is chosen to be 0
    return apply(POWER, total, params=(1.0 / p,))


_DOC = """Largest value of each window over the last {n} {axes}.

    :math:`y_{{o}} = \\max_{{k}} x_{{o \\cdot stride + k \\cdot dilation - padding}}`. The first of equal values wins,
    NaN wins over everything, and padding never does. The gradient goes to the element that was chosen.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Step between windows; by default `kernel_size`.
    padding : int or tuple
        Positions added on both sides of each axis, at most half of `kernel_size`.
    dilation : int or tuple
        Step inside a window.
    ceil_mode : bool
        Round the number of windows up, so that the last one may stick out.
    return_indices : bool
        Return the positions of the chosen elements too: int64, flat in the pooled axes of the input.

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out}), and the indices of the same shape if asked for, with
    ``out = floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1``

    Raises
    ------
    ValueError
        If sizes, padding or the number of axes do not fit.
    TypeError
        If `input` is not of a floating-point type, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.max_pool{n}d(nbnn.arange(4.0).reshape({example}), {kernel}).flatten()
    tensor([{result}])
    """

_DOCS = {
    1: _DOC.format(n=1, axes="axis", size="L", out="OL", example="1, 4", kernel="2", result="1., 3."),
    2: _DOC.format(n=2, axes="axes", size="H, W", out="OH, OW", example="1, 2, 2", kernel="2", result="3."),
    3: _DOC.format(n=3, axes="axes", size="D, H, W", out="OD, OH, OW", example="1, 1, 2, 2", kernel="(1, 2, 1)",
                   result="2., 3."),
}  # fmt: skip


@takes_arrays
def max_pool1d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices))


@takes_arrays
def max_pool2d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices))


@takes_arrays
def max_pool3d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices))


max_pool1d.__doc__, max_pool2d.__doc__, max_pool3d.__doc__ = _DOCS[1], _DOCS[2], _DOCS[3]


_AVG_DOC = """Average of each window over the last {n} {axes}.

    :math:`y_{{o}} = \\frac{{1}}{{count}} \\sum_{{k}} x_{{o \\cdot stride + k - padding}}`, padding being zeros.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Step between windows; by default `kernel_size`.
    padding : int or tuple
        Zeros added on both sides of each axis, at most half of `kernel_size`.
    ceil_mode : bool
        Round the number of windows up, so that the last one may stick out.
    count_include_pad : bool
        Whether the padding in a window counts as elements.{divisor}

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out})
        with ``out = floor((size + 2 * padding - kernel_size) / stride) + 1``

    Raises
    ------
    ValueError
        If sizes, padding or the number of axes do not fit.
    TypeError
        If `input` is not of a floating-point type, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.avg_pool{n}d(nbnn.arange(4.0).reshape({example}), {kernel}).flatten()
    tensor([{result}])
    """
_DIVISOR = """
    divisor_override : int, optional
        What sums are divided by, instead of the number of elements."""
_ADAPTIVE_DOC = """{what} of equal parts of the last {n} {axes}.

    Part o of an axis reaches from ``floor(o * size / output_size)`` to ``ceil((o + 1) * size / output_size)``.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    output_size : int{or_tuple}
        How many parts; None in a tuple is one for each position.{indices}

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out}){and_indices}

    Raises
    ------
    ValueError
        If the number of axes does not fit, or one of them is empty.
    TypeError
        If `input` is not of a floating-point type, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.adaptive_{name}_pool{n}d(nbnn.arange(4.0).reshape({example}), {parts}).flatten()
    tensor([{result}])
    """
_INDICES = """
    return_indices : bool
        Return the positions of the chosen elements too: int64, flat in the pooled axes of the input."""
_LP_DOC = """Power average of each window over the last {n} {axes}: :math:`y = (\\sum x^p)^{{1/p}}`.

    A last window that sticks out (`ceil_mode`) is scaled up to a full one.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    norm_type : float
        p; 1 gives the sum, inf and -inf the largest and the smallest of the sizes.
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Step between windows; by default `kernel_size`.
    ceil_mode : bool
        Round the number of windows up, so that the last one may stick out.

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out})

    Raises
    ------
    ValueError
        If sizes or the number of axes do not fit, or `norm_type` is 0 or NaN.
    TypeError
        If `input` is not of a floating-point type, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.lp_pool{n}d(nbnn.tensor([3.0, 4.0]).reshape({pair}), 2, {kernel}).flatten()
    tensor([5.])
    """
_WORDS = {
    1: {"n": 1, "axes": "axis", "size": "L", "out": "OL", "example": "1, 4", "kernel": "2", "result": "0.5000, 2.5000",
        "divisor": "", "or_tuple": "", "pair": "1, 2", "parts": "2"},
    2: {"n": 2, "axes": "axes", "size": "H, W", "out": "OH, OW", "example": "1, 2, 2", "kernel": "2",
        "result": "1.5000", "divisor": _DIVISOR, "or_tuple": ", or a tuple of two", "pair": "1, 1, 2",
        "parts": "1"},
    3: {"n": 3, "axes": "axes", "size": "D, H, W", "out": "OD, OH, OW", "example": "1, 1, 2, 2", "kernel": "(1, 2, 1)",
        "result": "1., 2.", "divisor": _DIVISOR, "or_tuple": ", or a tuple of three", "pair": "1, 1, 1, 2",
        "parts": "(1, 1, 2)"},
}  # fmt: skip


@takes_arrays
def avg_pool1d(  # noqa: D103  (see _AVG_DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    name = "avg_pool1d"
    return _avg_pool(name, 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@takes_arrays
def avg_pool2d(  # noqa: D103  (see _AVG_DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    name = "avg_pool2d"
    return _avg_pool(name, 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@takes_arrays
def avg_pool3d(  # noqa: D103  (see _AVG_DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    name = "avg_pool3d"
    return _avg_pool(name, 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@takes_arrays
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:  # noqa: D103  (see _ADAPTIVE_DOC)
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


@takes_arrays
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:  # noqa: D103  (see _ADAPTIVE_DOC)
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


@takes_arrays
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:  # noqa: D103  (see _ADAPTIVE_DOC)
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


@takes_arrays
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:  # noqa: D103
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, bool(return_indices))


@takes_arrays
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:  # noqa: D103
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, bool(return_indices))


@takes_arrays
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:  # noqa: D103
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, bool(return_indices))


@takes_arrays
def lp_pool1d(  # noqa: D103  (see _LP_DOC)
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@takes_arrays
def lp_pool2d(  # noqa: D103  (see _LP_DOC)
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@takes_arrays
def lp_pool3d(  # noqa: D103  (see _LP_DOC)
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _document() -> None:
    mean = {"name": "avg", "what": "Average", "indices": "", "and_indices": ""}
    most = {
        "name": "max",
        "what": "Largest value",
        "indices": _INDICES,
        "and_indices": ", and the indices if asked for",
    }
    parts = {1: ("0.5000, 2.5000", "1., 3."), 2: ("1.5000", "3."), 3: ("1., 2.", "2., 3.")}
    for n, words in _WORDS.items():
        means, largest = parts[n]
        for function, text in (
            ((avg_pool1d, avg_pool2d, avg_pool3d), _AVG_DOC.format(**words)),
            (
                (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d),
                _ADAPTIVE_DOC.format(**(words | mean | {"result": means})),
            ),
            (
                (adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d),
                _ADAPTIVE_DOC.format(**(words | most | {"result": largest})),
            ),
            (
                (lp_pool1d, lp_pool2d, lp_pool3d),
                _LP_DOC.format(**(words | {"kernel": ("2", "(1, 2)", "(1, 1, 2)")[n - 1]})),
            ),
        ):
            function[n - 1].__doc__ = text


_document()
