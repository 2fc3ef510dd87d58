"""Geometry rules: which shapes fit together, and what comes out.

Pure functions of ints and tuples that also compile in nopython mode, so that a call inside a user's own `@njit` has
the same sizes and the same refusals as an eager one. A rule does not raise: it returns the number of a refusal (0:
none), which `REFUSALS` words.
"""

from __future__ import annotations

REFUSALS: dict[str, dict[int, str]] = {
    "linear": {
        1: "`weight` must have 1 or 2 axes and `input` at least 1; got input {input}, weight {weight}",
        2: "the last size of `input` must equal `in_features`, the last size of `weight`; "
        "got input {input}, weight {weight}",
        3: "`bias` must have shape (out_features,); got bias {bias}, weight {weight}",
    },
    "conv": {
        1: "the channels of `input` must be `groups` (={groups}) times the second size of `weight`; "
        "got input {input}, weight {weight}",
        2: "`groups` (={groups}) must divide the out_channels, the first size of `weight`; got weight {weight}",
        3: "`bias` must have shape (out_channels,); got bias {bias}, weight {weight}",
        4: "the dilated kernel must not be larger than the padded input; got input {input}, weight {weight}, "
        "`padding` (={padding}), `dilation` (={dilation})",
        5: "the kernel must have no axis of size 0; got weight {weight}",
        6: "the axes of `input` that are convolved must not be empty; got input {input}",
    },
    "conv_transpose": {
        1: "the channels of `input` must equal in_channels, the first size of `weight`; got input {input}, "
        "weight {weight}",
        2: "`groups` (={groups}) must divide the in_channels, the first size of `weight`; got weight {weight}",
        3: "`bias` must have shape (out_channels,), `groups` (={groups}) times the second size of `weight`; "
        "got bias {bias}, weight {weight}",
        4: "`output_padding` (={output_padding}) must be smaller than `stride` (={stride}) or `dilation` (={dilation})",
        5: "the kernel must have no axis of size 0; got weight {weight}",
        6: "the axes of input and output that are convolved must not be empty; got input {input}, weight {weight}, "
        "`padding` (={padding}), `output_padding` (={output_padding})",
    },
    "max_pool": {
        1: "`padding` (={padding}) must be at most half of `kernel_size` (={kernel_size}); got input {input}",
        2: "the dilated kernel must not be larger than the padded input: `kernel_size` (={kernel_size}), "
        "`padding` (={padding}), `dilation` (={dilation}); got input {input}",
        3: "the axes of `input` that are pooled, and its channels, must not be empty; got input {input}",
    },
    "avg_pool": {
        1: "`padding` (={padding}) must be at most half of `kernel_size` (={kernel_size}); got input {input}",
        2: "the kernel must not be larger than the padded input: `kernel_size` (={kernel_size}), "
        "`padding` (={padding}); got input {input}",
        3: "the axes of `input` that are pooled, and its channels, must not be empty; got input {input}",
    },
    "cross_entropy": {
        1: "`input` must have at least 1 axis, (C,) or (N, C, ...); got input {input}",
        2: "`target` must have the shape of `input` without its class axis, {wanted}; "
        "got input {input}, target {target}",
        3: "`weight` must have shape (C,) = ({classes},); got weight {weight}",
    },
}


def linear_rule(input, weight, bias):  # type: ignore[no-untyped-def]
    """The refusal of linear for these shapes (bias None: there is none)."""
    if len(weight) != 2 or len(input) < 1:
        return 1
    if input[len(input) - 1] != weight[1]:
        return 2
    if bias is not None:
        if len(bias) > 1 or (len(bias) == 1 and bias[0] != weight[0] and bias[0] != 1):
            return 3
    return 0


def window_count(size, kernel, stride, padding, dilation):  # type: ignore[no-untyped-def]
    """floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1: how many windows fit on an axis."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def conv_rule(input, weight, bias, stride, padding, dilation, groups):  # type: ignore[no-untyped-def]
    """(refusal, OD, OH, OW) of a convolution of (N, C, D, H, W) with (O, C / groups, KD, KH, KW)."""
    if weight[2] < 1 or weight[3] < 1 or weight[4] < 1:
        return 5, 0, 0, 0
    if input[1] != weight[1] * groups:
        return 1, 0, 0, 0
    if weight[0] % groups != 0:
        return 2, 0, 0, 0
    if bias is not None:
        if len(bias) != 1 or bias[0] != weight[0]:
            return 3, 0, 0, 0
    od = window_count(input[2], weight[2], stride[0], padding[0], dilation[0])
    oh = window_count(input[3], weight[3], stride[1], padding[1], dilation[1])
    ow = window_count(input[4], weight[4], stride[2], padding[2], dilation[2])
    if od < 1 or oh < 1 or ow < 1:
        return 4, 0, 0, 0
    if input[2] < 1 or input[3] < 1 or input[4] < 1:
        return 6, 0, 0, 0
    return 0, od, oh, ow


def unfolded_count(size, kernel, stride, padding, output_padding, dilation):  # type: ignore[no-untyped-def]
    """(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1: the size a transposed one makes."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def conv_transpose_rule(input, weight, bias, stride, padding, output_padding, dilation, groups):  # type: ignore[no-untyped-def]
    """(refusal, OD, OH, OW) of the transposed convolution of (N, C, D, H, W) with (C, O / groups, KD, KH, KW)."""
    if weight[2] < 1 or weight[3] < 1 or weight[4] < 1:
        return 5, 0, 0, 0
    if input[1] != weight[0]:
        return 1, 0, 0, 0
    if weight[0] % groups != 0:
        return 2, 0, 0, 0
    if bias is not None:
        if len(bias) != 1 or bias[0] != weight[1] * groups:
            return 3, 0, 0, 0
    for k in range(3):
        if output_padding[k] >= stride[k] and output_padding[k] >= dilation[k]:
            return 4, 0, 0, 0
    od = unfolded_count(input[2], weight[2], stride[0], padding[0], output_padding[0], dilation[0])
    oh = unfolded_count(input[3], weight[3], stride[1], padding[1], output_padding[1], dilation[1])
    ow = unfolded_count(input[4], weight[4], stride[2], padding[2], output_padding[2], dilation[2])
    if od < 1 or oh < 1 or ow < 1 or input[2] < 1 or input[3] < 1 or input[4] < 1:
        return 6, 0, 0, 0
    return 0, od, oh, ow


def pooled_count(size, kernel, stride, padding, dilation, ceil_mode):  # type: ignore[no-untyped-def]
    """How many windows pool an axis; with `ceil_mode` a last one may stick out if it starts before the right pad."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return span // stride + 1
    count = (span + stride - 1) // stride + 1
    if (count - 1) * stride >= size + padding:
        count -= 1
    return count


def max_pool_rule(input, kernel, stride, padding, dilation, ceil_mode):  # type: ignore[no-untyped-def]
    """(refusal, OD, OH, OW) of max pooling of (N, C, D, H, W)."""
    if input[1] == 0 or input[2] == 0 or input[3] == 0 or input[4] == 0:
        return 3, 0, 0, 0
    if 2 * padding[0] > kernel[0] or 2 * padding[1] > kernel[1] or 2 * padding[2] > kernel[2]:
        return 1, 0, 0, 0
    od = pooled_count(input[2], kernel[0], stride[0], padding[0], dilation[0], ceil_mode)
    oh = pooled_count(input[3], kernel[1], stride[1], padding[1], dilation[1], ceil_mode)
    ow = pooled_count(input[4], kernel[2], stride[2], padding[2], dilation[2], ceil_mode)
    if od < 1 or oh < 1 or ow < 1:
        return 2, 0, 0, 0
    return 0, od, oh, ow


def cross_entropy_rule(input, target, weight):  # type: ignore[no-untyped-def]
    """(refusal, N, C, S) of class-index targets: input (N, C, ...) or (C,), target (N, ...) or ()."""
    if len(input) < 1:
        return 1, 0, 0, 0
    axis = 0 if len(input) == 1 else 1
    if len(target) != len(input) - 1:
        return 2, 0, 0, 0
    batch = 1
    spatial = 1
    for k in range(len(target)):
        if target[k] != input[k if k < axis else k + 1]:
            return 2, 0, 0, 0
        if k < axis:
            batch = target[k]
        else:
            spatial *= target[k]
    classes = input[axis]
    if weight is not None:
        if len(weight) != 1 or weight[0] != classes:
            return 3, 0, 0, 0
    return 0, batch, classes, spatial
