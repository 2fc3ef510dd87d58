"""Cases of padding, whose oracle is NumPy's own `pad`."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import one
from tests.engine import Bad, Case

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def padded(x, pad, mode="constant", value=0.0):
    """Cut off what is negative (around a circle before, elsewhere after adding), then add."""
    if not pad:
        return x
    pads = [(pad[k], pad[k + 1]) for k in range(0, len(pad), 2)][::-1]
    pads = [(0, 0)] * (x.ndim - len(pads)) + pads
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pads, strict=True))
    more = [(max(a, 0), max(b, 0)) for a, b in pads]
    if mode == "circular":
        return np.pad(x[cut], more, "wrap")
    options = {"constant_values": value} if mode == "constant" else {}
    wide = np.pad(x, more, MODES[mode], **options)
    return wide[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(wide.shape, pads, strict=True))]


def call(F, x, pad, *rest):
    return F.pad(x, pad, *rest)


NAMES = {
    "constant": "ConstantPad",
    "reflect": "ReflectionPad",
    "replicate": "ReplicationPad",
    "circular": "CircularPad",
}


def to_module(nn, x, pad, mode="constant", value=None):
    more = (value,) if mode == "constant" else ()
    return getattr(nn, f"{NAMES[mode]}{len(pad) // 2}d")(pad, *more), (x,)


BORDERS = [((2, 5), (2, 1)), ((2, 3, 5), (4, 0)), ((2, 3, 5), (-1, 2)), ((2, 1, 17), (0, -3)), ((2, 4, 5), (1,
    2, 3, 0)),
           ((2, 2, 4, 5), (3, 1, 1, 2)), ((2, 3, 4, 3), (1, 2, 1, 1, 2, 0)), ((1, 2, 3, 2, 4), (-1, 2, 1, -1, 2, 1)),
           ((2, 3, 1), (0, 0))]  # fmt: skip
CONSTANTS = [((5,), (2, 1)), ((2, 3), (1, -1, 2, 0)), ((2, 3, 4), (0, 0, 0, 0, 1, 2)), ((2, 3, 4), (0, 0, 1, 2, 1, 2)),
             ((2, 3, 4), (0, 0, 1, 2)), ((2, 3, 2, 3, 2), (1, 1, 0, 0, 2, 2)),
             ((2, 3, 2, 3, 2), (1, 1, 1, 0, 2, 2, 1, 1, -1, 2)), ((2, 2, 2, 1, 2, 2), (1, 0, 0, 0, 1, 1, 0, 0,
                 1, 1, 2, 0)),
             ((2, 3), (-3, 1)), ((2, 3), (1, -3)), ((2, 3), (-4, 2)), ((2, 3), (2, -4)), ((2, 3), (0, 0)), ((), ()),
             ((4,), ())]  # fmt: skip
OURS_ONLY = ((-4, 2), (2, -4))  # PyTorch refuses to cut off more than there is


CASES = [
    *(Case(f"pad-{mode}_{shape}_{pad}".replace(" ", ""), call, one(shape, pad, mode), padded, module=to_module)
      for mode, (shape, pad) in itertools.product(("reflect", "replicate", "circular"), BORDERS)),
    *(Case(f"pad-constant_{shape}_{pad}".replace(" ", ""), call, one(shape, pad, "constant", 1.5), padded,
           torch=pad not in OURS_ONLY)
      for shape, pad in CONSTANTS),
    *(Case(f"pad-module_{n}d", call, one((2, *(2, 3, 4)[3 - n :]), (1, 2, 0, 1, 2, 1)[: 2 * n], "constant",
        0.5), padded,
           module=to_module) for n in (1, 2, 3)),
    *(Case(f"pad-zeros_{n}d", lambda F, x, pad: F.pad(x, pad), one((2, *(2, 3, 4)[3 - n :]), (1, 2, 0, 1, 2,
        1)[: 2 * n]),
           padded, module=lambda nn, x, pad, n=n: (getattr(nn, f"ZeroPad{n}d")(pad), (x,))) for n in (1, 2, 3)),
    *(Case(f"pad-large_{mode}", call, one((2, 3, 4, 5), (1, 2, 3, 1), mode), padded,
           large=one((3, 9, 40, 57), (1, 2, 3, 1), mode), empty=(one((0, 3, 4, 5), (1, 2, 3, 1),
               mode),)) for mode in MODES),
    Case("pad-empty_axis", call, one((2, 3), (1, 2), "constant", 2.0), padded,
         empty=(one((2, 0), (1, 2), "constant", 2.0), one((0, 3), (1, 2), "constant", 2.0), one((2, 3), (-1, -2)))),
    Case("pad-special", call, lambda r: (np.array([[math.nan, math.inf, -0.0, 1.0]]), (2, 2), "reflect"),
               padded, grad=()),
    Case("pad-integers", call, lambda r: (np.array([[1, 2, 3]]), (1, 2), "constant", 7), padded, grad=(), halves=False),
    Case("pad-infinity", call, one((2, 3), (1, 1), "constant", -math.inf), padded, grad=()),
]  # fmt: skip

X = nbnn.ones(2, 3, 5)


def refused(name, error, match, *args, **options):
    return Bad(f"pad-{name}", lambda F: F.pad(*args, **options), error, f"^pad: {match}")


ERRORS = [
    refused("odd", ValueError, r"`pad` \(=\(1,\)\) must hold two ints for each axis", X, (1,)),
    refused("long", ValueError, r"`pad` \(=\(1, 1, 1, 1\)\) is for 2 axes; `input` has 1", nbnn.ones(3), (1, 1, 1, 1)),
    refused("float", TypeError, r"`pad` \(=1.0\) must be an int", X, (1.0, 1)),
    refused("int", TypeError, r"`pad` \(=1\) must be a sequence of ints; got int", X, 1),
    refused("mode", ValueError, r"`mode` \(='same'\) must be one of 'constant'", X, (1, 1), "same"),
    refused("mode_none", ValueError, r"`mode` \(=None\) must be one of", X, (1, 1), None),
    refused("negative", ValueError, r"an axis must not become negative; got `pad` \(-3, -3\) for axis 2", X, (-3, -3)),
    refused("empty", ValueError, r"an axis must not become empty", X, (-3, -2), "reflect"),
    refused("reflect", ValueError, r"reflection must be less than the size of the axis; got `pad` \(5, 0\)", X, (5, 0),
            "reflect"),
    refused("circular", ValueError, r"circular padding must be at most the size", X, (0, 6), "circular"),
    refused("circular_cut", ValueError, r"circular padding must be at most the size", X, (-2, 4), "circular"),
    refused("cut", ValueError, r"negative padding must leave an element", X, (-5, 3), "replicate"),
    refused("replicate", ValueError, r"an empty axis has nothing to replicate", nbnn.ones(2, 3, 0), (1, 1),
        "replicate"),
    refused("axes", ValueError, r"mode 'reflect' pads the last 1, 2 or 3 of 2 to 5 axes", nbnn.ones(1, 2, 3, 4), (1, 1),
            "reflect"),
    refused("value", ValueError, r"`value` \(=1.0\) must be None for mode 'reflect'", X, (1, 1), "reflect", 1.0),
    refused("value_string", TypeError, r"`value` \(='1'\) must be a number", X, (1, 1), "constant", "1"),
    refused("list", TypeError, r"`input` must be a Tensor; got list", [1.0], (1, 1)),
    refused("huge", ValueError, r"`pad` \(=2147483648\) must be less than 2\*\*31", X, (1 << 31, 0)),
]  # fmt: skip
