"""Cases of interpolation and of rearranged pixels."""

import math
import warnings

import numpy as np

import nbnn
from tests.cases import one
from tests.engine import Bad, Case


def cubic(d):
    d = abs(d)
    if d <= 1:
        return 1.25 * d**3 - 2.25 * d**2 + 1
    return -0.75 * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def matrix(size, out, factor, mode, aligned):
    """One axis as a matrix (out, size)."""
    m = np.zeros((out, size))
    step = (size - 1) / max(out - 1, 1) if aligned else 1 / factor if factor else size / out
    for o in range(out):
        if mode == "area":
            start, stop = o * size // out, -(-(o + 1) * size // out)
            m[o, start:stop] = 1 / (stop - start)
        elif mode.startswith("nearest"):
            m[o, min(math.floor((o + 0.5) * step if mode == "nearest-exact" else o * step), size - 1)] = 1
        else:
            place = o * step if aligned else (o + 0.5) * step - 0.5
            if mode != "bicubic":
                place = min(max(place, 0), size - 1)
            low = math.floor(place)
            for k in range(low - 1, low + 3):
                w = cubic(place - k) if mode == "bicubic" else max(0.0, 1 - abs(place - k))
                m[o, min(max(k, 0), size - 1)] += w
    return m


def smooth(size, out, factor, mode, aligned):
    """One axis with a filter as wide as a step, as a matrix (out, size)."""
    step = (out > 1) * (size - 1) / max(out - 1, 1) if aligned else 1 / factor if factor else size / out
    wide = max(step, 1.0)
    reach = wide * (2 if mode == "bicubic" else 1)
    m = np.zeros((out, size))
    for o in range(out):
        centre = step * (o + 0.5)
        for j in range(max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)):
            d = abs(j + 0.5 - centre) / wide
            if mode == "bilinear":
                m[o, j] = max(0.0, 1 - d)
            else:
                m[o, j] = 1.5 * d**3 - 2.5 * d**2 + 1 if d < 1 else -0.5 * (d**3 - 5 * d**2 + 8 * d - 4) * (d < 2)
    return m / m.sum(1, keepdims=True)


def smoothed(x, size, factor, mode, aligned=None):
    for axis in (2, 3):
        n = x.shape[axis]
        f = factor[axis - 2] if isinstance(factor, tuple) else factor
        out = (size[axis - 2] if isinstance(size, tuple) else size) if f is None else math.floor(n * f)
        x = np.moveaxis(np.tensordot(smooth(n, out, f, mode, aligned), x, (1, axis)), 0, axis)
    return x


def call_smooth(F, x, size, factor, mode, aligned=None):
    return F.interpolate(x, size, factor, mode, aligned, antialias=True)


def smooth_cases():
    for mode in ("bilinear", "bicubic"):
        for aligned in (False, True):
            for size, factor in (*SIZES, ((7, 2), None), (None, (0.3, 1.5))):
                yield Case(
                    f"interpolate-smooth_{mode}_{size}_{factor}_{aligned}".replace(" ", ""),
                    call_smooth,
                    one((2, 1, 5, 7), size, factor, mode, aligned),
                    smoothed,
                )
        yield Case(
            f"interpolate-smooth_large_{mode}",
            call_smooth,
            one((1, 2, 9, 8), 2, None, mode),
            smoothed,
            second=False,
            large=one((4, 5, 60, 70), None, 0.3, mode),
            empty=(one((0, 3, 5, 4), 2, None, mode),),
        )


def interpolated(x, size, factor, mode, aligned=None, recompute=None):
    for axis in range(2, x.ndim):
        n = x.shape[axis]
        f = factor[axis - 2] if isinstance(factor, tuple) else factor
        out = (size[axis - 2] if isinstance(size, tuple) else size) if f is None else math.floor(n * f)
        m = matrix(n, out, None if recompute else f, mode, aligned)
        x = np.moveaxis(np.tensordot(m, x, (1, axis)), 0, axis)
    return x


def call(F, x, size, factor, mode, aligned=None, recompute=None):
    return F.interpolate(x, size, factor, mode, aligned, recompute)


def to_module(nn, x, *options):
    return nn.Upsample(*options), (x,)


SHAPES = {1: (2, 3, 7), 2: (2, 2, 3, 5), 3: (1, 2, 2, 3, 4)}
MODES = [*((mode, n) for mode in ("nearest", "nearest-exact", "area") for n in (1, 2, 3)),
         ("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3)]  # fmt: skip
SIZES = [(9, None), (2, None), (1, None), (None, 2.0), (None, 0.6)]


def modes():
    for mode, n in MODES:
        corners = (None,) if mode[:4] in ("near", "area") else (False, True)
        for aligned in corners:
            for size, factor in SIZES:
                yield Case(
                    f"interpolate-{mode}_{n}d_{size}_{factor}_{aligned}",
                    call,
                    one(SHAPES[n], size, factor, mode, aligned),
                    interpolated,
                    module=to_module,
                    second=n < 3,
                )
        yield Case(
            f"interpolate-large_{mode}_{n}d",
            call,
            one(SHAPES[n], 4, None, mode),
            interpolated,
            second=False,
            large=one((5, 4, *(6, 40, 37)[3 - n :]), None, 2.3, mode),
            empty=() if mode == "area" else (one((0, 3, *SHAPES[n][2:]), 4, None, mode),),
        )
        yield Case(f"interpolate-one_{mode}_{n}d", call, one((1, 1, *(1,) * n), 3, None, mode), interpolated)
        yield Case(
            f"interpolate-recomputed_{mode}_{n}d", call, one(SHAPES[n], None, 1.4, mode, None, True), interpolated
        )


def unequal(F, x):
    return F.interpolate(x, scale_factor=(1.5, 2.5), mode="bilinear")


def shuffled(x, r):
    *lead, c, h, w = x.shape
    y = x.reshape(*lead, c // r**2, r, r, h, w)
    n = len(lead)
    return y.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2).reshape(*lead, c // r**2, h * r, w * r)


def unshuffled(x, r):
    *lead, c, h, w = x.shape
    y = x.reshape(*lead, c, h // r, r, w // r, r)
    n = len(lead)
    return y.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3).reshape(*lead, c * r**2, h // r, w // r)


def channels(x, groups):
    n, c, *rest = x.shape
    return x.reshape(n, groups, c // groups, *rest).swapaxes(1, 2).reshape(x.shape)


def shuffle(F, x, r):
    return F.pixel_shuffle(x, r)


def unshuffle(F, x, r):
    return F.pixel_unshuffle(x, r)


def mix(F, x, groups):
    return F.channel_shuffle(x, groups)


CASES = [
    *modes(),
    *smooth_cases(),
    Case("interpolate-smooth_infinite", call_smooth, lambda r: (np.array([[[[1.0, math.inf, 3.0, 4.0]]]]), (1, 2), None,
         "bilinear"), lambda *_: np.array([[[[math.inf, math.inf]]]]), grad=()),
    Case("interpolate-unequal", unequal, one(SHAPES[2]), lambda x: interpolated(x, None, (1.5, 2.5), "bilinear")),
    *(Case(f"interpolate-width_{w}_{mode}", call, one((1, 2, 3, w), None, 2.0, mode), interpolated, second=False)
      for w in (8, 15, 16, 17) for mode in ("nearest", "bilinear", "bicubic")),
    Case("interpolate-nan", call, lambda r: (np.array([[[1.0, 2.0, 3.0, math.inf]]]), 8, None, "nearest"),
         lambda x, *_: x.repeat(2, 2), grad=()),
    *(Case(f"{name}-{args}", lambda F, x, name=name, args=args: getattr(F, name)(x, **args), one(SHAPES[2]),
           lambda x, args=args, rest=rest: interpolated(x, args.get("size"), args.get("scale_factor"), *rest),
           warns=UserWarning)
      for name, args, rest in (("upsample", {"scale_factor": 2}, ("nearest",)),
                               ("upsample_nearest", {"size": (4, 3)}, ("nearest",)),
                               ("upsample_bilinear", {"size": (4, 7)}, ("bilinear", True)))),
    *(Case(f"pixel_shuffle-{r}", shuffle, one((2, 2 * r * r, 2, 3), r), shuffled,
           module=lambda nn, x, r: (nn.PixelShuffle(r), (x,))) for r in (1, 2, 3)),
    *(Case(f"pixel_unshuffle-{r}", unshuffle, one((2, 2, 2 * r, 3 * r), r), unshuffled,
           module=lambda nn, x, r: (nn.PixelUnshuffle(r), (x,))) for r in (1, 2, 3)),
    Case("pixel_shuffle-large", shuffle, one((4, 3, 3), 2), shuffled, large=one((2, 3, 16, 33, 31), 2),
         empty=(one((0, 4, 2, 2), 2), one((1, 4, 0, 2), 2), one((1, 0, 2, 2), 2))),
    Case("pixel_unshuffle-large", unshuffle, one((1, 4, 6), 2), unshuffled, large=one((2, 3, 4, 66, 62), 2),
         empty=(one((0, 4, 2, 2), 2), one((1, 4, 0, 2), 2))),
    *(Case(f"channel_shuffle-{groups}_{shape}".replace(" ", ""), mix, one(shape, groups), channels,
           module=lambda nn, x, groups: (nn.ChannelShuffle(groups), (x,)))
      for groups, shape in ((1, (2, 4, 3)), (2, (2, 6, 3, 2)), (3, (1, 6, 5)))),
    Case("channel_shuffle-large", mix, one((2, 6, 3, 2), 3), channels, large=one((4, 12, 30, 40), 3),
         empty=(one((0, 4, 3), 2), one((2, 4, 0), 2))),
]  # fmt: skip

X = nbnn.ones(1, 4, 6, 5)


def _quiet(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


def refused(name, error, match, *args, **options):
    function = name.split("-")[0]
    return Bad(name, lambda F: getattr(F, function)(*args, **options), error, f"^{function}: {match}")


ERRORS = [
    refused("interpolate-nothing", ValueError, r"give one of `size` \(=None\) and `scale_factor` \(=None\)", X),
    refused("interpolate-both", ValueError, r"give one of `size` \(=3\) and `scale_factor` \(=2\)", X, 3, 2),
    refused("interpolate-zero", ValueError, r"`size` \(=0\) must be at least 1", X, 0),
    refused("interpolate-float_size", TypeError, r"`size` \(=2.5\) must be an int", X, 2.5),
    refused("interpolate-sizes", ValueError, r"`size` \(=\(2, 3, 4\)\) must be a number or 2 numbers", X, (2, 3, 4)),
    refused("interpolate-negative", ValueError, r"`scale_factor` \(=-1.0\) must be above 0", X, scale_factor=-1.0),
    refused("interpolate-nan", ValueError, r"`scale_factor` \(=nan\) must be above 0", X, scale_factor=math.nan),
    refused("interpolate-huge", ValueError, r"`scale_factor` \(=1e\+30\) must be above 0 and finite", X,
        scale_factor=1e30),
    refused("interpolate-tiny", ValueError, r"`scale_factor` \(=0.01\) leaves no output", X, scale_factor=0.01),
    refused("interpolate-mode", ValueError, r"`mode` \(='cubic'\) must be one of", X, 3, mode="cubic"),
    refused("interpolate-mode_none", ValueError, r"`mode` \(=None\) must be one of", X, 3, mode=None),
    refused("interpolate-axes", ValueError, r"`input` must have 3 axes for mode 'linear'", X, 3, mode="linear"),
    refused("interpolate-rank", ValueError, r"`input` must have 3, 4 or 5 axes", nbnn.ones(2, 3), 3),
    refused("interpolate-empty", ValueError, r"`input` must have no empty axis", nbnn.ones(1, 2, 0), 3),
    refused("interpolate-corners", ValueError, r"`align_corners` \(=True\) must be None for mode 'nearest'", X, 3,
            align_corners=True),
    refused("interpolate-recompute", ValueError, r"`recompute_scale_factor` \(=True\) needs a `scale_factor`", X, 3,
            recompute_scale_factor=True),
    refused("interpolate-antialias", ValueError,
            r"`antialias` \(=True\) is for the modes 'bilinear', 'bicubic'; got 'nearest'", X, 3, antialias=True),
    refused("interpolate-integers", TypeError, r"`input` must have a floating-point dtype", X.long(), 3),
    Bad("upsample-mode", lambda F: _quiet(F.upsample, X, 3, mode="x"), ValueError, r"^interpolate: `mode`"),
    Bad("upsample_nearest-size", lambda F: _quiet(F.upsample_nearest, X, 0), ValueError, r"^interpolate: `size`"),
    Bad("upsample_bilinear-rank", lambda F: _quiet(F.upsample_bilinear, X[0], 3), ValueError, r"^interpolate: `input`"),
    refused("pixel_shuffle-channels", ValueError,
        r"the channels of `input` must be a multiple of .* \(=9\); got 4", X, 3),
    refused("pixel_shuffle-zero", ValueError, r"`upscale_factor` \(=0\) must be at least 1", X, 0),
    refused("pixel_shuffle-float", TypeError, r"`upscale_factor` \(=2.0\) must be an int", X, 2.0),
    refused("pixel_shuffle-rank", ValueError, r"`input` must have at least 3 axes", nbnn.ones(4, 4), 2),
    refused("pixel_unshuffle-size", ValueError,
        r"height and width must be multiples of `downscale_factor` \(=2\)", X, 2),
    refused("pixel_unshuffle-list", TypeError, r"`input` must be a Tensor; got list", [1.0], 2),
    refused("channel_shuffle-groups", ValueError, r"`groups` \(=3\) must divide the channels", X, 3),
    refused("channel_shuffle-rank", ValueError, r"`input` must have at least 3 axes", nbnn.ones(4, 4), 2),
]  # fmt: skip
