"""Cases of convolution."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import loaded, normal
from tests.cases.pooling import axes
from tests.engine import Bad, Case


def pads(padding, kernel, dilation):
    """Zeros before and after each axis."""
    n = len(kernel)
    if padding == "same":
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(t // 2, t - t // 2) for t in total]
    return [(p, p) for p in axes(0 if padding == "valid" else padding, n)]


def conv(n):
    """The oracle: the sum over channels and taps, one output element after another."""

    def oracle(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        if x.ndim == n + 1:
            return oracle(x[None], w, b, stride, padding, dilation, groups)[0]
        s, d, kernel = axes(stride, n), axes(dilation, n), w.shape[2:]
        x = np.pad(x, [(0, 0), (0, 0), *pads(padding, kernel, d)])
        out = tuple((m - f * (k - 1) - 1) // e + 1 for m, k, e, f in zip(x.shape[2:], kernel, s, d, strict=True))
        y = np.zeros((x.shape[0], w.shape[0], *out))
        cin, cout = w.shape[1], w.shape[0] // groups
        for o in range(w.shape[0]):
            group = x[:, o // cout * cin : (o // cout + 1) * cin]
            for at in np.ndindex(out):
                window = tuple(
                    slice(a * e, a * e + f * (k - 1) + 1, f) for a, e, f, k in zip(at, s, d, kernel, strict=True)
                )
                y[(slice(None), o, *at)] = (group[(slice(None), slice(None), *window)] * w[o]).sum(
                    tuple(range(1, n + 2))
                )
            y[:, o] += 0.0 if b is None else b[o]
        return y

    return oracle


def call(n):
    def convolve(F, x, w, b, *args):
        return getattr(F, f"conv{n}d")(x, w, b, *args)

    return convolve


def to_module(n):
    def build(nn, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        module = getattr(nn, f"Conv{n}d")(
            w.shape[1] * groups, w.shape[0], tuple(w.shape[2:]), stride, padding, dilation, groups, bias=b is not None
        )
        return loaded(module, weight=w, bias=b), (x,)

    return build


def conv_transpose(n):
    """The oracle: every input pixel adds its multiple of the kernel to the output."""

    def oracle(x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        if x.ndim == n + 1:
            return oracle(x[None], w, b, stride, padding, output_padding, groups, dilation)[0]
        s, p, more, d = (axes(v, n) for v in (stride, padding, output_padding, dilation))
        kernel, size = w.shape[2:], x.shape[2:]
        wide = [(m - 1) * e + f * (k - 1) + 1 + q for m, k, e, f, q in zip(size, kernel, s, d, more, strict=True)]
        cin, cout = x.shape[1] // groups, w.shape[1]
        y = np.zeros((x.shape[0], cout * groups, *wide))
        for g in range(groups):
            share, factor = x[:, g * cin : (g + 1) * cin], w[g * cin : (g + 1) * cin]
            for at in np.ndindex(size):
                part = np.tensordot(share[(slice(None), slice(None), *at)], factor, 1)
                window = tuple(
                    slice(a * e, a * e + f * (k - 1) + 1, f) for a, e, f, k in zip(at, s, d, kernel, strict=True)
                )
                y[(slice(None), slice(g * cout, (g + 1) * cout), *window)] += part
        y = y[(slice(None), slice(None), *(slice(a, m - a) for a, m in zip(p, wide, strict=True)))]
        return y if b is None else y + b.reshape(-1, *(1,) * n)

    return oracle


def call_transpose(n):
    def convolve(F, x, w, b, *args):
        return getattr(F, f"conv_transpose{n}d")(x, w, b, *args)

    return convolve


def to_transpose_module(n):
    def build(nn, x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        module = getattr(nn, f"ConvTranspose{n}d")(
            w.shape[0], w.shape[1] * groups, tuple(w.shape[2:]), stride, padding, output_padding, groups,
            bias=b is not None, dilation=dilation,
        )  # fmt: skip
        return loaded(module, weight=w, bias=b), (x,)

    return build


def make_transpose(shape, weight, bias, *args):
    groups = args[3] if len(args) > 3 else 1
    return lambda r: (
        r.normal(size=shape), r.normal(size=weight), r.normal(size=weight[1] * groups) if bias else None, *args
    )  # fmt: skip


def make(shape, weight, bias, *args):
    return lambda r: (r.normal(size=shape), r.normal(size=weight), r.normal(size=weight[0]) if bias else None, *args)


OPTIONS = {  # channels, out channels, kernel, bias, then stride, padding, dilation, groups
    "plain": (2, 3, 3, True), "no_bias": (2, 3, 3, False), "stride": (2, 3, 3, True, 2),
           "padding": (2, 2, 3, True, 1, 1),
    "wide_padding": (1, 2, 2, True, 1, 3), "dilation": (2, 2, 2, True, 1, 0, 2), "groups": (4, 6, 2, True, 1, 0, 1, 2),
    "depthwise": (3, 3, 3, True, 1, 1, 1, 3), "multiplier": (2, 4, 2, False, 1, 0, 1, 2), "pointwise": (3, 4, 1, True),
    "pointwise_stride": (3, 2, 1, True, 2), "gaps": (2, 2, 2, True, 3), "everything": (4, 4, 3, True, 2, 2, 2, 2),
           "same": (2, 3, 3, True, 1, "same"),
    "same_even": (2, 3, 2, True, 1, "same"), "same_dilated": (2, 4, 2, True, 1, "same", 2, 2),
           "same_even_dilated": (2, 2, 4, False, 1, "same", 1),
    "valid": (2, 3, 2, True, 2, "valid"), "tuple": (2, 2, 2, True, (2,), (1,), (2,), 1),
}  # fmt: skip
SIZES = {1: (9,), 2: (6, 5), 3: (4, 5, 4)}
STRIDED_SAME = "`padding` \\(='same'\\) needs stride 1"


def rank(n):
    name, size = f"conv{n}d", SIZES[n]
    size_of = {"everything": tuple(m + 1 for m in size), "same_even_dilated": size}
    cases = []
    for label, (cin, cout, k, bias, *rest) in OPTIONS.items():
        groups = rest[3] if len(rest) > 3 else 1
        batch = 1 if n == 3 else 2
        maker = make((batch, cin, *size_of.get(label, size)), (cout, cin // groups, *(k,) * n), bias, *rest)
        cases.append(
            Case(f"{name}-{label}", call(n), maker, conv(n), grad=(0, 1, 2) if bias else (0, 1), module=to_module(n))
        )
    big = {
        1: ((8, 16, 700), (24, 16, 5)),
        2: ((4, 12, 24, 24), (20, 12, 3, 3)),
        3: ((2, 6, 10, 12, 10), (12, 6, 3, 3, 3)),
    }[n]
    deep = {
        1: ((2, 40, 33), (35, 40, 3)),
        2: ((2, 33, 7, 6), (34, 33, 3, 3)),
        3: ((1, 17, 4, 4, 5), (18, 17, 2, 2, 2)),
    }[n]
    ones = (1,) * n
    nothing = (make((0, 2, *size), (3, 2, *(3,) * n), True), make((2, 2, *size), (0, 2, *(3,) * n), True),
               make((2, 0, *size), (3, 0, *(3,) * n), True))  # fmt: skip
    cases += [
        Case(f"{name}-unbatched", call(n), make((2, *size), (3, 2, *(2,) * n), True, 2, 1), conv(n), grad=(0, 1, 2),
             module=to_module(n)),
        Case(f"{name}-unbatched_same", call(n), make((2, *size), (3, 2, *(2,) * n), True, 1, "same"), conv(n),
             grad=(0, 1, 2), module=to_module(n)),
        Case(f"{name}-one_pixel", call(n), make((2, 3, *ones), (4, 3, *ones), True), conv(n), grad=(0, 1, 2),
             module=to_module(n)),
        Case(f"{name}-kernel_is_image", call(n), make((1, 2, *size), (2, 2, *size), True), conv(n), grad=(0, 1, 2),
             second=False),
        Case(f"{name}-deep", call(n), make(*deep, True), conv(n), grad=(0, 1, 2), second=False, tolerance=3),
        Case(f"{name}-deep_stride", call(n), make(*deep, True, 2, 1), conv(n), grad=(0, 1, 2), second=False,
             tolerance=3),
        Case(f"{name}-large", call(n), make((2, 2, *size), (3, 2, *(3,) * n), True, 1, 1), conv(n), grad=(0, 1, 2),
             large=make(*big, True, 1, 1),
             empty=nothing),
        Case(f"{name}-large_stride", call(n), make((1, 2, *size), (3, 2, *(3,) * n), True, 2, 1), conv(n),
             grad=(0, 1, 2),
             large=make(*big, True, 2, 1)),
        Case(f"{name}-large_depthwise", call(n), make((1, 2, *size), (2, 1, *(3,) * n), True, 1, 1, 1, 2), conv(n),
             grad=(0, 1, 2),
             large=make(big[0], (big[0][1], 1, *big[1][2:]), True, 1, 1, 1, big[0][1])),
        Case(f"{name}-shared_weight", lambda F, x, w: getattr(F, name)(getattr(F, name)(x, w, padding=1), w),
             normal((1, 1, *size), (1, 1, *(3,) * n)), lambda x, w: conv(n)(conv(n)(x, w, padding=1), w), grad=(0, 1)),
        Case(f"{name}-transposed", lambda F, x, w: getattr(F, name)(F.transpose(x, 0, 1), F.transpose(w, 0, 1)),
             normal((2, 3, *size), (2, 4, *(2,) * n)), lambda x, w: conv(n)(x.swapaxes(0, 1), w.swapaxes(0, 1)),
             grad=(0, 1)),
        Case(f"{name}-special", call(n), _special((1, 1, *size), (1, 1, *(2,) * n)), conv(n), grad=()),
        Case(f"{name}-keywords", lambda F, x, w, b: getattr(F, name)(input=x, weight=w, bias=b, stride=2, padding=1,
                                                                     dilation=1, groups=1),
             normal((1, 2, *size), (2, 2, *(2,) * n), (2,)), lambda x, w, b: conv(n)(x, w, b, 2, 1), grad=(0, 1, 2)),
    ]  # fmt: skip
    return cases


def _special(shape, weight):
    def maker(r):
        x = r.normal(size=shape)
        x.reshape(-1)[:3] = math.nan, math.inf, -math.inf
        return x, np.abs(r.normal(size=weight)) + 0.1, None

    return maker


MIXED = [
    Case("conv2d-mixed", call(2), make((2, 2, 7, 6), (3, 2, 3, 2), True, (2, 1), (0, 2), (1, 2)), conv(2),
         grad=(0, 1, 2), module=to_module(2)),
    Case("conv2d-flat_kernel_stride", call(2), make((2, 6, 9, 10), (4, 6, 5, 1), True, (1, 4), (0, 1)), conv(2),
         grad=(0, 1, 2), second=False),
    Case("conv2d-flat_image_stride", call(2), make((1, 24, 1, 9), (5, 24, 2, 4), True, (3, 1), (5, 2), 2), conv(2),
         grad=(0, 1, 2), second=False),
    Case("conv2d-list", call(2), make((1, 2, 5, 5), (2, 2, 2, 2), True, [1, 2], [1, 0]), conv(2), grad=(0, 1, 2),
         module=to_module(2)),
    Case("conv2d-same_mixed", call(2), make((1, 2, 5, 6), (2, 2, 3, 4), True, 1, "same", (2, 1)), conv(2),
         grad=(0, 1, 2), module=to_module(2)),
    Case("conv3d-mixed", call(3), make((1, 2, 4, 6, 5), (2, 1, 1, 3, 2), True, (1, 2, 1), (0, 1, 1), (1, 1, 2), 2),
         conv(3), grad=(0, 1, 2),
         module=to_module(3)),
    *(Case(f"conv2d-grid_{k}{s}{p}{d}{g}", call(2), make((1, 2, 6, 7), (2, 2 // g, k, k), True, s, p, d, g), conv(2),
           grad=(0, 1, 2), second=False)
      for k, s, p, d, g in itertools.product((1, 3), (1, 2, 3), (0, 1, 2), (1, 2), (1, 2))),
]  # fmt: skip

TRANSPOSED = {  # channels, out channels / groups, kernel, bias, then stride, padding, output_padding, groups, dilation
    "plain": (2, 3, 3, True), "no_bias": (3, 2, 2, False), "stride": (2, 3, 3, True, 2),
    "padding": (2, 2, 3, True, 1, 1), "wide_padding": (2, 2, 3, True, 2, 3), "output_padding": (2, 3, 3, True, 2, 1, 1),
    "gaps": (2, 2, 1, True, 3),
    "groups": (4, 3, 2, True, 2, 0, 0, 2), "depthwise": (3, 1, 3, True, 2, 1, 1, 3),
    "dilation": (2, 2, 2, True, 1, 0, 0, 1, 2), "dilated_stride": (2, 3, 3, True, 2, 1, 1, 1, 2),
    "wide_output_padding": (2, 2, 2, True, 2, 0, 2, 1, 3), "everything": (4, 3, 3, True, 3, 2, 1, 2, 2),
    "dcgan": (3, 5, 4, False, 2, 1), "pointwise": (3, 4, 1, True),
}  # fmt: skip
TRANSPOSED_SIZES = {1: (7,), 2: (5, 4), 3: (3, 4, 3)}


def transposed_rank(n):
    name, size = f"conv_transpose{n}d", TRANSPOSED_SIZES[n]
    cases = []
    for label, (cin, cout, k, bias, *rest) in TRANSPOSED.items():
        maker = make_transpose((1 if n == 3 else 2, cin, *size), (cin, cout, *(k,) * n), bias, *rest)
        cases.append(
            Case(f"{name}-{label}", call_transpose(n), maker, conv_transpose(n), grad=(0, 1, 2) if bias else (0, 1),
                 module=to_transpose_module(n))
        )  # fmt: skip
    big = {
        1: ((8, 24, 300), (24, 16, 4)),
        2: ((4, 20, 12, 12), (20, 12, 4, 4)),
        3: ((2, 12, 5, 6, 5), (12, 6, 4, 4, 4)),
    }[n]
    small = make_transpose((2, 2, *size), (2, 3, *(3,) * n), True, 2, 1)
    cases += [
        Case(f"{name}-unbatched", call_transpose(n), make_transpose((2, *size), (2, 3, *(2,) * n), True, 2),
             conv_transpose(n), grad=(0, 1, 2), module=to_transpose_module(n)),
        Case(f"{name}-one_pixel", call_transpose(n), make_transpose((2, 20, *(1,) * n), (20, 9, *(4,) * n), True),
             conv_transpose(n), grad=(0, 1, 2), second=False),
        Case(f"{name}-large", call_transpose(n), small, conv_transpose(n), grad=(0, 1, 2),
             large=make_transpose(*big, True, 2, 1),
             empty=(make_transpose((0, 2, *size), (2, 3, *(3,) * n), True),
                    make_transpose((2, 2, *size), (2, 0, *(3,) * n), True),
                    make_transpose((2, 0, *size), (0, 3, *(3,) * n), True))),
        Case(f"{name}-special", call_transpose(n), _special((1, 1, *size), (1, 1, *(2,) * n)), conv_transpose(n),
             grad=()),
        Case(f"{name}-keywords", lambda F, x, w, b: getattr(F, name)(input=x, weight=w, bias=b, stride=2, padding=1,
                                                                     output_padding=1, groups=1, dilation=1),
             normal((1, 2, *size), (2, 2, *(3,) * n), (2,)), lambda x, w, b: conv_transpose(n)(x, w, b, 2, 1, 1),
             grad=(0, 1, 2)),
    ]  # fmt: skip
    return cases


MIXED_TRANSPOSED = [
    Case("conv_transpose2d-mixed", call_transpose(2),
         make_transpose((2, 2, 4, 5), (2, 3, 3, 2), True, (2, 3), (0, 2), (1, 0), 1, (1, 2)), conv_transpose(2),
         grad=(0, 1, 2), module=to_transpose_module(2)),
    Case("conv_transpose3d-mixed", call_transpose(3),
         make_transpose((1, 2, 2, 4, 3), (2, 2, 1, 3, 2), True, (1, 2, 1), (0, 1, 1), (0, 1, 0), 2, (1, 1, 2)),
         conv_transpose(3), grad=(0, 1, 2), module=to_transpose_module(3)),
    *(Case(f"conv_transpose2d-grid_{k}{s}{p}{d}{g}", call_transpose(2),
           make_transpose((1, 2, 4, 5), (2, 2 // g, k, k), True, s, p, s - 1, g, d), conv_transpose(2), grad=(0, 1, 2),
           second=False)
      for k, s, p, d, g in itertools.product((1, 3, 4), (1, 2, 3), (0, 1), (1, 2), (1, 2))),
]  # fmt: skip


def _special_tiles(r):
    x, w, b = make((1, 48, 18, 27), (40, 48, 3, 3), True)(r)
    x[0, 3, 0, 0], x[0, 5, 7, 9], x[0, 40, 17, 26] = math.nan, math.inf, -math.inf
    return x, np.abs(w) + 0.1, b, 1, 1


TILES = [  # sizes that are computed by tiles of 4 x 4 outputs in float32, and cases at their edges
    *(Case(f"conv2d-tiles_{h}x{w}_{p}", call(2), make((1, 2, h, w), (3, 2, 3, 3), True, 1, p), conv(2), grad=(0, 1, 2),
           second=False, large=make((2, 40, h, w), (33, 40, 3, 3), True, 1, p))
      for h, w, p in ((21, 30, 1), (16, 61, 0), (23, 66, 2), (9, 64, 4))),
    Case("conv2d-tiles_values", call(2), make((1, 64, 20, 20), (64, 64, 3, 3), True, 1, 1), conv(2), grad=()),
    Case("conv2d-tiles_special", call(2), _special_tiles, conv(2), grad=()),
]  # fmt: skip


def conv_tbc(x, w, b, pad=0):
    return conv(1)(x.transpose(1, 2, 0), w.transpose(2, 1, 0), b, 1, pad).transpose(2, 0, 1)


def call_tbc(F, *inputs):
    return F.conv_tbc(*inputs)


def make_tbc(shape, kernel, outs, *pad):
    return lambda r: (r.normal(size=shape), r.normal(size=(kernel, shape[2], outs)), r.normal(size=outs), *pad)


TBC = [
    *(Case(f"conv_tbc-{k}_{pad}", call_tbc, make_tbc((5, 2, 3), k, 4, *pad), conv_tbc, grad=(0, 1, 2))
      for k, pad in ((1, ()), (3, (1,)), (2, (3,)), (5, (0,)))),
    Case("conv_tbc-large", call_tbc, make_tbc((4, 1, 2), 2, 2), conv_tbc, grad=(0, 1, 2),
         large=make_tbc((60, 8, 16), 3, 24, 1), empty=(make_tbc((4, 0, 2), 2, 2),)),
]  # fmt: skip

CASES = [
    *TBC,
    *TILES,
    *(case for n in (1, 2, 3) for case in rank(n)),
    *MIXED,
    *(case for n in (1, 2, 3) for case in transposed_rank(n)),
    *MIXED_TRANSPOSED,
    *(
        Case(
            f"{name}-integers",
            form,
            lambda r: (r.integers(-9, 9, (2, 2, 5)), r.integers(-9, 9, (2, 2, 2)), None, 2, 1),
            oracle,
            grad=(),
        )
        for name, form, oracle in (
            ("conv1d", call(1), lambda *a: conv(1)(*a).astype(int)),
            ("conv_transpose1d", call_transpose(1), lambda *a: conv_transpose(1)(*a).astype(int)),
        )
    ),
]


def refusals(n):
    name = f"conv{n}d"
    x, w = nbnn.ones((1, 4, *(6,) * n)), nbnn.ones((4, 4, *(3,) * n))

    def bad(label, match, error=ValueError, x=x, w=w, b=None, **more):
        return Bad(f"{name}-{label}", lambda F: getattr(F, name)(x, w, b, **more), error, rf"^{name}: " + match)

    def image(*shape):
        return nbnn.ones(shape)

    return [
        bad("channels", r"the channels of `input`.*`groups` \(=1\).*got input \(1, 3, 6.*weight \(4, 4, 3",
            x=image(1, 3, *(6,) * n)),
        bad("channels_groups", r"the channels of `input`.*`groups` \(=2\)", groups=2),
        bad("groups_divide", r"`groups` \(=2\) must divide the out_channels.*weight \(3, 2, 3",
            w=image(3, 2, *(3,) * n), groups=2),
        bad("groups_0", r"`groups` \(=0\) must be at least 1", groups=0),
        bad("groups_negative", r"`groups` \(=-1\) must be at least 1", groups=-1),
        bad("groups_float", r"`groups` \(=1.0\) must be an int", TypeError, groups=1.0),
        bad("groups_bool", r"`groups` \(=True\) must be an int; got bool", TypeError, groups=True),
        bad("bias_length", r"`bias` must have shape \(out_channels,\); got bias \(3,\)", b=image(3)),
        bad("bias_rank", r"`bias` must have shape \(out_channels,\); got bias \(1, 4\)", b=image(1, 4)),
        bad("bias_list", r"`bias` must be a Tensor; got list", TypeError, b=[1.0]),
        bad("kernel_large", r"the dilated kernel must not be larger than the padded input; got input \(1, 4, 6",
            w=image(4, 4, *(7,) * n)),
        bad("dilation_large", r"the dilated kernel must not be larger.*`dilation` \(=\(3,", dilation=3),
        bad("dilation_overflow", r"the dilated kernel must not be larger", dilation=2**31 - 1),
        bad("dilation_huge", r"`dilation` \(=\d+\) must be less than 2\*\*31", dilation=2**62),
        bad("empty_image", r"the dilated kernel must not be larger", x=image(1, 4, *(0,) * n)),
        bad("kernel_0", r"the kernel must have no axis of size 0; got weight \(4, 4, 0", w=image(4, 4, *(0,) * n)),
        bad("stride_0", r"`stride` \(=0\) must be at least 1", stride=0),
        bad("stride_negative", r"`stride` \(=-1\) must be at least 1", stride=-1),
        bad("stride_float", r"`stride` \(=1.5\) must be an int; got float", TypeError, stride=1.5),
        bad("stride_none", r"`stride` \(=None\) must be an int", TypeError, stride=None),
        bad("stride_length", rf"`stride` \(=\(1, 1, 1, 1\)\) must be an int or {n} ints", stride=(1, 1, 1, 1)),
        bad("padding_negative", r"`padding` \(=-1\) must be at least 0", padding=-1),
        bad("padding_string", r"`padding` \(='full'\) must be 'valid', 'same'", padding="full"),
        bad("padding_nan", r"`padding` \(=nan\) must be an int", TypeError, padding=math.nan),
        bad("same_stride", STRIDED_SAME, padding="same", stride=2),
        bad("dilation_0", r"`dilation` \(=0\) must be at least 1", dilation=0),
        bad("weight_rank", rf"`weight` must have {n + 2} axes; got shape \(4, 4\)", w=image(4, 4)),
        bad("input_rank", rf"`input` must have {n + 1} axes, or {n + 2} with a batch; got shape \(4,\)", x=image(4)),
        bad("input_rank_20", rf"`input` must have {n + 1} axes", x=nbnn.ones((1,) * 20)),
        bad("bools", r"operands must be numbers; got nbnn.bool", TypeError, x=x > 0, w=w > 0),
        bad("dtypes", r"all inputs must have one dtype.*`weight` nbnn.float64", TypeError, w=w.double()),
        bad("weight_none", r"`weight` must be a Tensor; got NoneType", TypeError, w=None),
        bad("input_list", r"`input` must be a Tensor; got list", TypeError, x=[1.0]),
    ]  # fmt: skip


def transposed_refusals(n):
    name = f"conv_transpose{n}d"
    x, w = nbnn.ones((1, 4, *(6,) * n)), nbnn.ones((4, 2, *(3,) * n))

    def bad(label, match, error=ValueError, x=x, w=w, b=None, **more):
        return Bad(f"{name}-{label}", lambda F: getattr(F, name)(x, w, b, **more), error, rf"^{name}: " + match)

    def image(*shape):
        return nbnn.ones(shape)

    return [
        bad("channels", r"the channels of `input` must equal.*got input \(1, 3, 6.*weight \(4, 2, 3",
            x=image(1, 3, *(6,) * n)),
        bad("groups_divide", r"`groups` \(=3\) must divide the in_channels.*weight \(4, 2, 3", groups=3),
        bad("groups_0", r"`groups` \(=0\) must be at least 1", groups=0),
        bad("bias_length", r"`bias` must have shape \(out_channels,\).*got bias \(3,\)", b=image(3)),
        bad("bias_groups", r"`bias` must have shape.*`groups` \(=2\).*got bias \(2,\)", b=image(2), groups=2),
        bad("output_padding", r"`output_padding` \(=\(2,.*must be smaller than `stride`", output_padding=2, stride=2),
        bad("output_padding_negative", r"`output_padding` \(=-1\) must be at least 0", output_padding=-1),
        bad("empty_output", r"the axes of input and output.*`padding` \(=\(4,", padding=4),
        bad("empty_image", r"the axes of input and output.*must not be empty", x=image(1, 4, *(0,) * n)),
        bad("kernel_0", r"the kernel must have no axis of size 0", w=image(4, 2, *(0,) * n)),
        bad("padding_string", r"`padding` \(='same'\) must be an int", TypeError, padding="same"),
        bad("stride_0", r"`stride` \(=0\) must be at least 1", stride=0),
        bad("dilation_0", r"`dilation` \(=0\) must be at least 1", dilation=0),
        bad("weight_rank", rf"`weight` must have {n + 2} axes; got shape \(4, 4\)", w=image(4, 4)),
        bad("input_rank", rf"`input` must have {n + 1} axes, or {n + 2} with a batch; got shape \(4,\)", x=image(4)),
        bad("dtypes", r"all inputs must have one dtype.*`weight` nbnn.float64", TypeError, w=w.double()),
        bad("bools", r"operands must be numbers; got nbnn.bool", TypeError, x=x > 0, w=w > 0),
        bad("weight_none", r"`weight` must be a Tensor; got NoneType", TypeError, w=None),
    ]  # fmt: skip


def _too_large(F):
    return F.conv3d(F.ones(1, 1, 2, 2, 2), F.ones(1, 1, 1, 1, 1), padding=2**30)


TIMES, TAPS = nbnn.ones(5, 2, 3), nbnn.ones(2, 3, 4)


def refused_tbc(name, error, match, *args):
    return Bad(f"conv_tbc-{name}", lambda F: F.conv_tbc(*args), error, f"^conv_tbc: {match}")


TBC_ERRORS = [
    refused_tbc("input", ValueError, r"`input` must have shape \(T, B, C\); got \(2, 3\)", TIMES[0], TAPS,
                nbnn.ones(4)),
    refused_tbc("weight", ValueError, r"`weight` must have shape \(K, C, O\)", TIMES, TAPS[0], nbnn.ones(4)),
    refused_tbc("bias", ValueError, r"`bias` must have shape \(O,\)", TIMES, TAPS, nbnn.ones(4, 1)),
    refused_tbc("no_bias", TypeError, r"`bias` must be a Tensor; got NoneType", TIMES, TAPS, None),
    refused_tbc("channels", ValueError, r"the shapes must be \(T, B, C\), \(K, C, O\) and \(O,\); got input "
                r"\(5, 2, 3\), weight \(2, 3, 4\), bias \(3,\)", TIMES, TAPS, nbnn.ones(3)),
    refused_tbc("kernel", ValueError, r"the kernel must have a size from 1", TIMES[:1], TAPS, nbnn.ones(4)),
    refused_tbc("pad", ValueError, r"`pad` \(=-1\) must be at least 0", TIMES, TAPS, nbnn.ones(4), -1),
    refused_tbc("types", TypeError, r"all inputs must have one dtype", TIMES, TAPS.double(), nbnn.ones(4)),
]  # fmt: skip

ERRORS = [
    *TBC_ERRORS,
    *(bad for n in (1, 2, 3) for bad in (*refusals(n), *transposed_refusals(n))),
    Bad(
        "conv_transpose3d-memory",
        lambda F: F.conv_transpose3d(F.ones(1, 1, 9, 9, 9), F.ones(1, 1, 1, 1, 1), stride=2**20),
        ValueError,
        r"^conv_transpose3d: `output` \(=.*\) has more elements than memory can hold",
    ),
    Bad("conv3d-memory", _too_large, ValueError, r"^conv3d: `output` \(=.*\) has more elements than memory can hold"),
]
