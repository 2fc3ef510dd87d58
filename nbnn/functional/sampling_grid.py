"""Images sampled at places of a grid, and grids of affine maps."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import mul, sum
from nbnn.functional.grid import linspace
from nbnn.functional.joining import stack
from nbnn.functional.linear import matmul
from nbnn.functional.shape import RESHAPE, expanded, transpose
from nbnn.functional.views import unbind
from nbnn.kernels import sampling_grid as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# -- taps: elements and weights of one axis ---------------------------------------------------------------------------
# params: size, mode, padding, aligned, taps, how often the weights are differentiated; input: coordinates (N P,)


def _taps_grad(node: Node, g: Tensor, _: Any) -> tuple:
    (coordinate,) = node.saved
    if node.params[1] == K.NEAREST:
        return (mul(coordinate, 0.0),)
    slopes, _ = apply(TAPS, coordinate, params=(*node.params[:-1], node.params[-1] + 1))
    return (sum(mul(g, slopes), 1),)


TAPS: Op = Op(
    "grid_taps",
    K.grid_taps,
    shape=lambda params, x: ((x[0], params[4]),) * 2,
    dtypes=(None, dtypes.int64),
    count=lambda params, x: x[0],
    work=lambda params, *_: 20 + 10 * params[4],
    saves_inputs=(0,),
    grad=_taps_grad,
)

# -- the multilinear form of `K` --------------------------------------------------------------------------------------
# params: slot, N, C, D, H, W, P, nz, n. Inputs: the elements iz, iy, ix, then the five factors g (N, C, P),
# x (N, C, D H W), wz, wy, wx (N P, n), of which the one at `slot` is missing: the result is the derivative by it.
# Two axes: wz and iz are None.


def _form_forward(*inputs: Any) -> tuple[Tensor]:
    ix, iy, iz, g, x, wz, wy, wx, params = inputs
    slot, images, channels, d, h, w, points, nz, n = params
    like = x if slot == 0 else g
    shape = ((images, channels, points), (images, channels, d * h * w))[slot] if slot < 2 else (images * points, n)
    out = make(_device.empty(math.prod(shape), like._dtype.storage, like.device), shape, like._dtype)
    spare = flat(wx if wy is None else wy)  # stands where there is nothing to read
    taps = [
        *(spare if t is None else flat(t) for t in (wz, wy, wx)),
        *(flat(iy if t is None else t) for t in (iz, iy, ix)),
    ]
    sizes = (channels, d, h, w, points, nz, n)
    work = 2 * max(nz, 1) * n * n
    if slot == 0:
        _device.launch(K.grid_sample, (out._data,), (flat(x), *taps), sizes, out._data.size, work)
    elif slot == 1:
        _device.launch(
            K.grid_scatter, (out._data,), (flat(g), *taps), sizes, images * channels, d * h * w + work * points
        )
    else:
        ins = (flat(g), flat(x), *taps)
        _device.launch(K.grid_weigh, (out._data,), ins, (slot - 2, *sizes), out._data.size, 1 + work * channels)
    return (out,)


def _form_grad(node: Node, u: Tensor) -> tuple:
    """The form is linear in each factor: `u` stands in the slot, and the factor asked for is left out."""
    slot = node.params[0]
    elements, factors = node.saved[:3], list(node.saved[3:])
    factors[slot] = u
    grads: list[Any] = [None] * 8
    for k in range(5):
        if node.needs[3 + k]:
            others = [None if j == k else f for j, f in enumerate(factors)]
            grads[3 + k] = apply(FORM, *elements, *others, params=(k, *node.params[1:]))
    return tuple(grads)


FORM = Op("grid_sample", forward=_form_forward, saves_inputs=tuple(range(8)), grad=_form_grad)

_MODES = {"bilinear": K.LINEAR, "nearest": K.NEAREST, "bicubic": K.CUBIC}
_PADDINGS = {"zeros": K.ZEROS, "border": K.BORDER, "reflection": K.REFLECTION}


def _check_sampling(op: str, input: Tensor, grid: Tensor, mode: Any, padding_mode: Any) -> None:
    _check.floating(op, "input", input)
    _check.tensor(op, "grid", grid)
    _check.same_dtype(op, input=input, grid=grid)
    for name, value, known in (("mode", mode, _MODES), ("padding_mode", padding_mode, _PADDINGS)):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{op}: `{name}` (={value!r}) must be one of {', '.join(map(repr, known))}")
    x, at = input._shape, grid._shape
    if len(x) not in (4, 5):
        raise ValueError(f"{op}: `input` must have shape (N, C, H, W) or (N, C, D, H, W); got {x}")
    if mode == "bicubic" and len(x) == 5:
        raise ValueError(f"{op}: `mode` (='bicubic') needs an input of 4 axes; got shape {x}")
    if len(at) != len(x) or at[0] != x[0] or at[-1] != len(x) - 2:
        wanted = f"({x[0]}, {'OH, OW' if len(x) == 4 else 'OD, OH, OW'}, {len(x) - 2})"
        raise ValueError(f"{op}: `grid` must have shape {wanted} for an input of shape {x}; got {at}")
    if min(x[2:]) < 1:
        raise ValueError(f"{op}: `input` must have no empty axis behind the channels; got shape {x}")
    if input.device != grid.device:
        raise RuntimeError(f"{op}: all Tensors must lie on one device; got {input.device}, {grid.device}")


def _aligned(op: str, align_corners: bool | None) -> bool:
    return align_corners is not None and _check.flag(op, "align_corners", align_corners)


@takes_arrays
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    r"""Sample images at the places of a grid, :math:`y_{n,c,p} = \sum_k w_{n,p,k}\, x_{n,c,i_{n,p,k}}`.

    The last axis of the grid is a place (x, y) or (x, y, z) where -1 and 1 are the ends of W, H and D. "bilinear"
    weighs the two nearest elements of each axis, "bicubic" four by cubic convolution with a = -0.75.

    The gradient to the input is summed point after point for each channel: the same bits on any number of threads.
    Where the weights have a kink (a place on an element; the border) the derivative to its right is taken, and 0 for
    places that padding holds at the border; it is 0 everywhere for "nearest". A NaN in the grid makes its samples NaN.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, H, W) or (N, C, D, H, W)
    grid : Tensor of shape (N, OH, OW, 2) or (N, OD, OH, OW, 3)
    mode : {"bilinear", "nearest", "bicubic"}
        "bicubic" for four axes only; "bilinear" is trilinear for five.
    padding_mode : {"zeros", "border", "reflection"}
        What stands outside: zeros, the outermost element, or the image reflected again and again.
    align_corners : bool, optional
        Whether -1 and 1 are the centres of the outer elements, rather than their outer edges (None).

    Returns
    -------
    Tensor of shape (N, C, OH, OW) or (N, C, OD, OH, OW)

    Raises
    ------
    ValueError
        If the shapes do not fit, or a mode is not among these.
    TypeError
        If `input` is not of a floating-point type, or `grid` of another.

    References
    ----------
    Jaderberg et al., "Spatial Transformer Networks", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> grid = nbnn.tensor([[[[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]]])
    >>> F.grid_sample(nbnn.tensor([[[[1.0, 3.0]]]]), grid, align_corners=True)
    tensor([[[[1., 2., 3.]]]])
    """
    _check_sampling("grid_sample", input, grid, mode, padding_mode)
    kind = dtypes.float32 if input._dtype.is_half else input._dtype
    x, at = input.to(kind), grid.to(kind)
    images, channels, *size = x._shape
    outs = at._shape[1:-1]
    points = math.prod(outs)
    chosen, padding, aligned = _MODES[mode], _PADDINGS[padding_mode], _aligned("grid_sample", align_corners)
    n = K.TAPS[chosen]
    places = unbind(apply(RESHAPE, at, params=((images * points, len(size)),)), 1)
    taps = [
        apply(TAPS, c, params=(length, chosen, padding, aligned, n, 0))
        for c, length in zip(places, reversed(size), strict=True)
    ]
    (wx, ix), (wy, iy), (wz, iz) = taps if len(size) == 3 else (*taps, (None, None))
    sizes3 = (1,) * (3 - len(size)) + tuple(size)
    x = apply(RESHAPE, x, params=((images, channels, math.prod(size)),))
    params = (0, images, channels, *sizes3, points, n if len(size) == 3 else 0, n)
    y = apply(FORM, ix, iy, iz, None, x, wz, wy, wx, params=params)
    return apply(RESHAPE, y, params=((images, channels, *outs),)).to(input._dtype)


# -- grids of affine maps ---------------------------------------------------------------------------------------------


def _ticks(n: int, aligned: bool, kind: dtypes.dtype, device: Any) -> Tensor:
    """The places of n elements in [-1, 1]: between the centres of the outer ones, or between their edges."""
    if n == 1:
        return linspace(0.0, 0.0, 1, dtype=kind, device=device)
    end = 1.0 if aligned else (n - 1) / n
    return linspace(-end, end, n, dtype=kind, device=device)


@takes_arrays
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    r"""The places of a grid under affine maps, :math:`g_{n,h,w} = \theta_n\, (x_w, y_h, 1)^T`, for `grid_sample`.

    Parameters
    ----------
    theta : Tensor or array of shape (N, 2, 3) or (N, 3, 4)
        The maps.
    size : tuple of int
        (N, C, H, W) or (N, C, D, H, W): the shape of what will be sampled.
    align_corners : bool, optional
        Whether -1 and 1 are the centres of the outer elements, rather than their outer edges (None).

    Returns
    -------
    Tensor of shape (N, H, W, 2) or (N, D, H, W, 3)

    Raises
    ------
    ValueError
        If `theta` has not the shape that `size` asks for, or a size is not positive.
    TypeError
        If `theta` is not of a floating-point type, or a size is not an int.

    References
    ----------
    Jaderberg et al., "Spatial Transformer Networks", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.affine_grid(nbnn.tensor([[[2.0, 0.0, 0.0], [0.0, 1.0, 5.0]]]), (1, 1, 1, 2), align_corners=True)
    tensor([[[[-2.,  5.],
              [ 2.,  5.]]]])
    """
    op = "affine_grid"
    _check.floating(op, "theta", theta)
    shape = _check.sizes(op, "size", size)
    if len(shape) not in (4, 5):
        raise ValueError(f"{op}: `size` (={shape}) must be (N, C, H, W) or (N, C, D, H, W)")
    if min(shape[1:]) < 1:
        raise ValueError(f"{op}: `size` (={shape}) must be positive behind the batch")
    axes = len(shape) - 2
    if theta._shape != (shape[0], axes, axes + 1):
        wanted = (shape[0], axes, axes + 1)
        raise ValueError(f"{op}: `theta` must have shape {wanted} for `size` (={shape}); got {theta._shape}")
    outs, aligned = shape[2:], _aligned(op, align_corners)
    kind = dtypes.float32 if theta._dtype.is_half else theta._dtype
    columns = []
    for k in reversed(range(axes)):
        ticks = _ticks(outs[k], aligned, kind, theta.device)
        line = apply(RESHAPE, ticks, params=((outs[k], *(1,) * (axes - 1 - k)),))
        columns.append(expanded(op, line, outs))
    columns.append(expanded(op, linspace(1.0, 1.0, 1, dtype=kind, device=theta.device), outs))
    base = apply(RESHAPE, stack(columns, -1), params=((math.prod(outs), axes + 1),))
    grid = matmul(base, transpose(theta.to(kind), 1, 2))
    return apply(RESHAPE, grid, params=((shape[0], *outs, axes),)).to(theta._dtype)
