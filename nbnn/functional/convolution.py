"""Convolution in one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._elementwise import whole
from nbnn.functional._rules import conv_rule, conv_transpose_rule
from nbnn.functional.array import sum
from nbnn.functional.indexing import SLICE_BACKWARD
from nbnn.functional.shape import PERMUTE, RESHAPE
from nbnn.kernels import convolution as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

# params of every op here: N, C, D, H, W, O, KD, KH, KW, OD, OH, OW, stride (3), padding (3), dilation (3), groups


def _out_shape(params: tuple, *_: Any) -> tuple:
    return ((params[0], params[5], *params[9:12]),)


def _input_shape(params: tuple, *_: Any) -> tuple:
    return (params[:5],)


def _weight_shape(params: tuple, *_: Any) -> tuple:
    return ((params[5], params[1] // params[21], *params[6:9]),)


def _forward_work(params: tuple, *_: Any) -> int:
    return 1 + params[1] // params[21] * params[6] * params[7] * params[8]


def _transpose_work(params: tuple, *_: Any) -> int:
    return 1 + params[5] // params[21] * params[6] * params[7] * params[8]


def _grad_weight_work(params: tuple, *_: Any) -> int:
    return 1 + params[0] * params[9] * params[10] * params[11]


def _conv_grad(node: Node, g: Tensor) -> tuple:
    x, w = node.saved
    return (
        apply(CONV_TRANSPOSE, g, w, None, params=node.params) if node.needs[0] else None,
        apply(CONV_GRAD_WEIGHT, g, x, params=node.params) if node.needs[1] else None,
        _bias_gradient(g) if node.needs[2] else None,
    )


def _bias_gradient(g: Tensor) -> Tensor:
    """The sum over batch and space; without elements there is nothing that the kernel could take its type from."""
    n, channels, d, h, w = g._shape
    return apply(CONV_GRAD_BIAS, g, params=(n, channels, d * h, w)) if g.numel() else sum(g, (0, 2, 3, 4))


def _transpose_grad(node: Node, gg: Tensor) -> tuple:
    """dx is linear in g and in w: d/dg is the convolution of gg with w, d/dw the weight gradient with image gg."""
    g, w = node.saved
    return (
        apply(CONV, gg, w, None, params=node.params) if node.needs[0] else None,
        apply(CONV_GRAD_WEIGHT, g, gg, params=node.params) if node.needs[1] else None,
        _bias_gradient(gg) if node.needs[2] else None,
    )


def _grad_weight_grad(node: Node, gg: Tensor) -> tuple:
    """dw is linear in g and in x: d/dg is the convolution of x with gg, d/dx the input gradient with weight gg."""
    g, x = node.saved
    return (
        apply(CONV, x, gg, None, params=node.params) if node.needs[0] else None,
        apply(CONV_TRANSPOSE, g, gg, None, params=node.params) if node.needs[1] else None,
    )


def _grad_bias_grad(node: Node, gg: Tensor) -> tuple:
    n, o, *size = node.input_shapes[0]
    return (apply(RESHAPE, gg, params=((1, o, 1, 1, 1),)).expand(n, o, *size),)


CONV = Op(
    "conv",
    K.conv,
    shape=_out_shape,
    work=_forward_work,
    grad=_conv_grad,
    saves_inputs=(0, 1),
    fast=K.conv_fast,
    workspace=K.conv_workspace,
    takes_complex=True,
)
CONV_TRANSPOSE = Op(
    "conv_transpose",
    K.conv_transpose,
    shape=_input_shape,
    work=_transpose_work,
    grad=_transpose_grad,
    saves_inputs=(0, 1),
    fast=K.conv_transpose_fast,
    workspace=K.conv_transpose_workspace,
    takes_complex=True,
)
CONV_GRAD_WEIGHT = Op(
    "conv_grad_weight",
    K.conv_grad_weight,
    shape=_weight_shape,
    work=_grad_weight_work,
    grad=_grad_weight_grad,
    saves_inputs=(0, 1),
    fast=K.conv_grad_weight_fast,
    workspace=K.conv_grad_weight_workspace,
    takes_complex=True,
)
CONV_GRAD_BIAS = Op(
    "conv_grad_bias",
    K.conv_grad_bias,
    shape=lambda params, *_: ((params[1],),),
    work=lambda params, *_: 1 + params[0] * params[2] * params[3],
    grad=_grad_bias_grad,
    fast=K.conv_grad_bias_fast,
    takes_complex=True,
)


def _same_padding(op: str, kernel: tuple, stride: tuple, dilation: tuple) -> tuple[tuple, tuple]:
    """Padding before and after each axis that keeps its size; the odd position goes behind."""
    if any(s != 1 for s in stride):
        raise ValueError(f"{op}: `padding` (='same') needs stride 1, or `same_rule` 'tf'; got `stride` (={stride})")
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)


def _tf_padding(size: tuple, kernel: tuple, stride: tuple, dilation: tuple) -> tuple[tuple, tuple]:
    """Padding that gives ceil(size / stride) outputs, as TensorFlow counts it; the odd position goes behind."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    total = [max((n - 1) // s * s + span - n, 0) if n else 0 for n, s, span in zip(size, stride, spans, strict=True)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)


def margins(
    op: str, padding: Any, size: tuple, kernel: tuple, stride: tuple, dilation: tuple, rule: str
) -> tuple[tuple, tuple]:
    """Padding before and after each axis."""
    n = len(size)
    if not isinstance(padding, str):
        pads = _check.ntuple(op, "padding", padding, n, 0)
        return pads, pads
    if padding not in ("valid", "same"):
        raise ValueError(f"{op}: `padding` (={padding!r}) must be 'valid', 'same', an int or {n} ints")
    if padding == "valid":
        return (0,) * n, (0,) * n
    if rule == "tf":
        return _tf_padding(size, kernel, stride, dilation)
    return _same_padding(op, kernel, stride, dilation)


def _pad(x: Tensor, before: tuple, after: tuple) -> Tensor:
    """Zeros around the last three axes: the adjoint of cutting `x` out of the middle."""
    size = tuple(b + n + a for b, n, a in zip(before, x._shape[2:], after, strict=True))
    inside = tuple((b, b + n, 1) for b, n in zip(before, x._shape[2:], strict=True))
    key = tuple((0, n, 1) for n in x._shape[:2]) + inside
    return apply(SLICE_BACKWARD, x, params=(key, (*x._shape[:2], *size)))


def _check_tensors(op: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    _check.inexact(op, "input", input)
    _check.tensor(op, "weight", weight)
    _check.same_dtype(op, input=input, weight=weight, bias=bias)
    if weight.dim() != n + 2:
        raise ValueError(f"{op}: `weight` must have {n + 2} axes; got shape {weight._shape}")
    if len(input._shape) not in (n + 1, n + 2):
        raise ValueError(f"{op}: `input` must have {n + 1} axes, or {n + 2} with a batch; got shape {input._shape}")


def _conv(
    op: str,
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    same_rule: str,
) -> Tensor:
    """Convolve the last n axes, as the last n of three."""

    def again(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return _conv(op, n, x, w, b, stride, padding, dilation, groups, same_rule)

    of_integers = whole(op, again, input=input, weight=weight, bias=bias)
    if of_integers is not None:
        return of_integers
    _check_tensors(op, n, input, weight, bias)
    _check.one_of(op, "same_rule", same_rule, ("torch", "tf"))
    shape, kernel = input._shape, weight._shape[2:]
    steps = _check.ntuple(op, "stride", stride, n, 1)
    gaps = _check.ntuple(op, "dilation", dilation, n, 1)
    count = _check.integer(op, "groups", groups, 1)
    _check.rule(op, "conv", 5 if 0 in kernel else 0, weight=weight._shape)  # its "same" padding would be negative
    pads, after = margins(op, padding, shape[-n:], kernel, steps, gaps, same_rule)
    lead, none = (1,) * (3 - n), (0,) * (3 - n)
    size = ((1,) if len(shape) == n + 1 else ()) + shape[:-n] + lead + shape[-n:]
    x = apply(RESHAPE, input, params=(size,)) if size != shape else input
    if after != pads:  # an even kernel: the images are padded apart, unevenly
        x = _pad(x, none + pads, none + after)
        size, pads = x._shape, (0,) * n
    window = (*weight._shape[:2], *lead, *kernel)
    w = apply(RESHAPE, weight, params=(window,)) if n < 3 else weight
    steps3, pads3, gaps3 = lead + steps, none + pads, lead + gaps
    bias_shape = None if bias is None else bias._shape
    refusal, od, oh, ow = conv_rule(size, window, bias_shape, steps3, pads3, gaps3, count)
    _check.rule(
        op,
        "conv",
        refusal,
        input=shape,
        weight=weight._shape,
        bias=bias_shape,
        groups=count,
        padding=pads,
        dilation=gaps,
    )
    if size[0] * window[0] * od * oh * ow >= 1 << 60:
        _check.sizes(op, "output", (size[0], window[0], od, oh, ow))
    params = (*size, window[0], *window[2:], od, oh, ow, *steps3, *pads3, *gaps3, count)
    out = apply(CONV, x, w, bias, params=params)
    wanted = (*shape[: -n - 1], window[0], *(od, oh, ow)[3 - n :])
    return out if out._shape == wanted else apply(RESHAPE, out, params=(wanted,))


def _conv_transpose(
    op: str,
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """The transposed convolution of the last n axes: the gradient of a convolution to its input, as an op."""

    def again(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return _conv_transpose(op, n, x, w, b, stride, padding, output_padding, groups, dilation)

    of_integers = whole(op, again, input=input, weight=weight, bias=bias)
    if of_integers is not None:
        return of_integers
    _check_tensors(op, n, input, weight, bias)
    shape, lead, none = input._shape, (1,) * (3 - n), (0,) * (3 - n)
    steps = _check.ntuple(op, "stride", stride, n, 1)
    pads = _check.ntuple(op, "padding", padding, n, 0)
    more = _check.ntuple(op, "output_padding", output_padding, n, 0)
    gaps = _check.ntuple(op, "dilation", dilation, n, 1)
    count = _check.integer(op, "groups", groups, 1)
    size = ((1,) if len(shape) == n + 1 else ()) + shape[:-n] + lead + shape[-n:]
    window = (*weight._shape[:2], *lead, *weight._shape[2:])
    bias_shape = None if bias is None else bias._shape
    steps3, pads3, gaps3 = lead + steps, none + pads, lead + gaps
    refusal, *out_size = conv_transpose_rule(size, window, bias_shape, steps3, pads3, none + more, gaps3, count)
    _check.rule(
        op,
        "conv_transpose",
        refusal,
        input=shape,
        weight=weight._shape,
        bias=bias_shape,
        groups=count,
        stride=steps,
        padding=pads,
        output_padding=more,
        dilation=gaps,
    )
    channels = window[1] * count
    if size[0] * channels * math.prod(out_size) >= 1 << 60:
        _check.sizes(op, "output", (size[0], channels, *out_size))
    x = apply(RESHAPE, input, params=(size,)) if size != shape else input
    w = apply(RESHAPE, weight, params=(window,)) if n < 3 else weight
    params = (size[0], channels, *out_size, window[0], *window[2:], *size[2:], *steps3, *pads3, *gaps3, count)
    out = apply(CONV_TRANSPOSE, x, w, bias, params=params)
    wanted = (*shape[: -n - 1], channels, *out_size[3 - n :])
    return out if out._shape == wanted else apply(RESHAPE, out, params=(wanted,))


_DOC = """Convolution (cross-correlation) over {n} {axes}.

    :math:`y_{{n,o}} = b_o + \\sum_c w_{{o,c}} \\star x_{{n,c}}`, where :math:`\\star` slides the kernel without
    flipping it.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    weight : Tensor of shape (O, C / groups, {kernel})
    bias : Tensor of shape (O,), optional
    stride : int or tuple
        Step of the kernel.
    padding : int, tuple, "valid" or "same"
        Zeros on both sides of each axis; "same" keeps the sizes (the odd zero of an even kernel goes behind).
    dilation : int or tuple
        Step inside the kernel.
    groups : int
        Blocks of channels that are convolved apart; divides C and O.
    same_rule : {{"torch", "tf"}}
        What "same" means: sizes are kept, which needs stride 1, or are ``ceil(size / stride)`` for any stride.

    Returns
    -------
    Tensor of shape (N, O, {out}) or (O, {out}), with
    ``out = floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1``

    Raises
    ------
    ValueError
        If sizes, channels or groups do not fit, or the dilated kernel is larger than the padded input.
    TypeError
        If the types differ, or are neither floating-point nor complex, or a size is not an int.

    References
    ----------
    LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.conv{n}d(nbnn.ones({x}), nbnn.ones({w})).flatten()
    tensor([{result}])
    """

_DOCS = {
    1: _DOC.format(n=1, axes="axis", size="L", kernel="K", out="OL", x="1, 1, 4", w="1, 1, 3", result="3., 3."),
    2: _DOC.format(n=2, axes="axes", size="H, W", kernel="KH, KW", out="OH, OW", x="1, 1, 3, 3", w="1, 1, 3, 2",
                   result="6., 6."),
    3: _DOC.format(n=3, axes="axes", size="D, H, W", kernel="KD, KH, KW", out="OD, OH, OW", x="1, 1, 2, 2, 2",
                   w="1, 1, 2, 2, 2", result="8."),
}  # fmt: skip


@takes_arrays
def conv1d(  # noqa: D103  (see _DOC)
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    same_rule: str = "torch",
) -> Tensor:
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups, same_rule)


@takes_arrays
def conv2d(  # noqa: D103  (see _DOC)
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    same_rule: str = "torch",
) -> Tensor:
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups, same_rule)


@takes_arrays
def conv3d(  # noqa: D103  (see _DOC)
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    same_rule: str = "torch",
) -> Tensor:
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups, same_rule)


conv1d.__doc__, conv2d.__doc__, conv3d.__doc__ = _DOCS[1], _DOCS[2], _DOCS[3]


_TRANSPOSE_DOC = """Transposed convolution over {n} {axes}: the gradient of `conv{n}d` to its input, as a function.

    :math:`y_{{n,o,\\,i s + u d - p}} \\mathrel{{+}}= w_{{c,o,u}} \\, x_{{n,c,i}}` for every input position
    :math:`i` and tap :math:`u`, with stride :math:`s`, dilation :math:`d` and padding :math:`p`, plus :math:`b_o`. No
    zeros are put between the pixels: each remainder of the output position by the stride is a convolution of its own.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    weight : Tensor of shape (C, O / groups, {kernel})
    bias : Tensor of shape (O,), optional
    stride : int or tuple
        Distance of the windows in the output.
    padding : int or tuple
        Positions cut off at both ends of each axis of the output.
    output_padding : int or tuple
        Positions added behind; less than `stride` or `dilation`.
    groups : int
        Blocks of channels that are convolved apart; divides C.
    dilation : int or tuple
        Step inside the kernel.

    Returns
    -------
    Tensor of shape (N, O, {out}) or (O, {out}), with
    ``out = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1``

    Raises
    ------
    ValueError
        If sizes, channels or groups do not fit, or input or output would be empty.
    TypeError
        If the types differ, or are neither floating-point nor complex, or a size is not an int.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.conv_transpose{n}d(nbnn.ones({x}), nbnn.ones({w}), stride=2).flatten()
    tensor([{result}])
    """


def _transpose_doc(n: int, axes: str, size: str, result: str) -> str:
    kernel, out = (", ".join(letter + axis for axis in size.split(", ")) for letter in "KO")
    kernel = kernel.replace("KL", "K")
    shapes = {"x": ", ".join(["1"] * (n + 1) + ["2"]), "w": ", ".join(["1"] * (n + 1) + ["3"])}
    return _TRANSPOSE_DOC.format(n=n, axes=axes, size=size, kernel=kernel, out=out, result=result, **shapes)


@takes_arrays
def conv_transpose1d(  # noqa: D103  (see _TRANSPOSE_DOC)
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    name = "conv_transpose1d"
    return _conv_transpose(name, 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@takes_arrays
def conv_transpose2d(  # noqa: D103  (see _TRANSPOSE_DOC)
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    name = "conv_transpose2d"
    return _conv_transpose(name, 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@takes_arrays
def conv_transpose3d(  # noqa: D103  (see _TRANSPOSE_DOC)
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    name = "conv_transpose3d"
    return _conv_transpose(name, 3, input, weight, bias, stride, padding, output_padding, groups, dilation)


_RESULT = "1., 1., 2., 1., 1."
conv_transpose1d.__doc__ = _transpose_doc(1, "axis", "L", _RESULT)
conv_transpose2d.__doc__ = _transpose_doc(2, "axes", "H, W", _RESULT)
conv_transpose3d.__doc__ = _transpose_doc(3, "axes", "D, H, W", _RESULT)


@takes_arrays
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    r"""`conv1d` of sequences with time first, :math:`y_{t,b,o} = c_o + \sum_{k,i} w_{k,i,o}\, x_{t+k-p,\,b,\,i}`.

    Parameters
    ----------
    input : Tensor or array of shape (T, B, C)
    weight : Tensor of shape (K, C, O)
    bias : Tensor of shape (O,)
        c.
    pad : int
        p, zeros before and after the time axis.

    Returns
    -------
    Tensor of shape (T + 2 p - K + 1, B, O)

    Raises
    ------
    ValueError
        If the shapes do not fit, or `pad` is negative.
    TypeError
        If the dtypes differ or are not floating-point types, or `pad` is not an int.

    References
    ----------
    Collobert, Puhrsch and Synnaeve, "Wav2Letter: an End-to-End ConvNet-based Speech Recognition System", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.conv_tbc(nbnn.ones(3, 1, 1), nbnn.ones(2, 1, 1), nbnn.zeros(1)).flatten()
    tensor([2., 2.])
    """
    op = "conv_tbc"
    of_integers = whole(op, lambda x, w, b: conv_tbc(x, w, b, pad), input=input, weight=weight, bias=bias)
    if of_integers is not None:
        return of_integers
    for name, t, shape in (("input", input, "(T, B, C)"), ("weight", weight, "(K, C, O)"), ("bias", bias, "(O,)")):
        _check.floating(op, name, t)
        if t.dim() != shape.count(",") + (name != "bias"):
            raise ValueError(f"{op}: `{name}` must have shape {shape}; got {t._shape}")
    _check.same_dtype(op, input=input, weight=weight, bias=bias)
    kernel, channels, outs = weight._shape
    if input._shape[2] != channels or bias._shape[0] != outs:
        raise ValueError(f"{op}: the shapes must be (T, B, C), (K, C, O) and (O,); got input {input._shape}, "
                         f"weight {weight._shape}, bias {bias._shape}")  # fmt: skip
    pads = _check.integer(op, "pad", pad, 0)
    if not 1 <= kernel <= input._shape[0] + 2 * pads:
        raise ValueError(f"{op}: the kernel must have a size from 1 to that of the padded time axis; got input "
                         f"{input._shape}, weight {weight._shape}, `pad` (={pad})")  # fmt: skip
    x, w = apply(PERMUTE, input, params=((1, 2, 0),)), apply(PERMUTE, weight, params=((2, 1, 0),))
    return apply(PERMUTE, conv1d(x, w, bias, 1, pads), params=((2, 0, 1),)).contiguous()
