"""Convolution of groups with few output channels, depthwise above all: vectors of pixels, no product of panels.

A band of output rows is computed from planes that hold just what the band sees, so that they stay in the nearest cache.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_gemm import phase_count, phase_job
from nbnn.kernels._conv_planes import band_job, make_plane, tap_offset
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels._simd import LANES, fma, lanes, load, load_part, splat, store, store_part, zero

FEW = 2  # output channels of a group that do not fill a tile of the product
_BAND = 8192  # numbers of one plane of a band: 32 KB of float32
_CHUNKS = 64


def _row_of_taps(w, x_at, weight, factor, turn_z, turn_y, turn_x, low, high, g):  # type: ignore[no-untyped-def]
    """Two vectors of pixels: (low, high) + the sum over the taps of one channel; positions as in `_conv_gemm`."""
    step, phase = lanes(w), g.q_z * g.q_y * g.q_x
    jump_z, rest_z, jump_y = g.step_z // g.mod_z, g.step_z % g.mod_z, g.step_y // g.mod_y
    rest_y, jump_x, rest_x = g.step_y % g.mod_y, g.step_x // g.mod_x, g.step_x % g.mod_x
    x_at += (g.first_z * g.q_y + g.first_y) * g.q_x + g.first_x
    z, fz = 0, 0
    for a in range(g.taps_z):
        y, fy = 0, 0
        for b in range(g.taps_y):
            source, fx = x_at + (fz * g.kept_y + fy) * g.kept_x * phase + (z * g.q_y + y) * g.q_x, 0
            number_at = factor + a * turn_z + b * turn_y
            for _ in range(g.taps_x):
                number = splat(weight[number_at])
                low = fma(number, load(w, source), low)
                high = fma(number, load(w, source + step), high)
                number_at += turn_x
                source, fx = source + jump_x + rest_x * phase, fx + rest_x
                if fx >= g.mod_x:
                    source, fx = source + 1 - g.mod_x * phase, fx - g.mod_x
            y, fy = y + jump_y, fy + rest_y
            if fy >= g.mod_y:
                y, fy = y + 1, fy - g.mod_y
        z, fz = z + jump_z, fz + rest_z
        if fz >= g.mod_z:
            z, fz = z + 1, fz - g.mod_z
    return low, high


_add_taps = _jit.jit(_row_of_taps, inner=True)


def _place_of(g, t):  # type: ignore[no-untyped-def]
    """Where in a plane tap t sees the first pixel."""
    return tap_offset(g, t // (g.taps_y * g.taps_x), t // g.taps_x % g.taps_y, t % g.taps_x)


def _factor_of(weight, factor, turns, g, t):  # type: ignore[no-untyped-def]
    at = t // (g.taps_y * g.taps_x) * turns[0] + t // g.taps_x % g.taps_y * turns[1] + t % g.taps_x * turns[2]
    return splat(weight[factor + at])


_offset, _factor = _jit.jit(_place_of, inner=True), _jit.jit(_factor_of, inner=True)


def _nine_taps(w, x_at, p, f, low, high):  # type: ignore[no-untyped-def]
    """`_row_of_taps` for nine taps at offsets p with factors f, which stay in registers."""
    a, b = x_at, x_at + lanes(w)
    low, high = fma(f[0], load(w, a + p[0]), low), fma(f[0], load(w, b + p[0]), high)
    low, high = fma(f[1], load(w, a + p[1]), low), fma(f[1], load(w, b + p[1]), high)
    low, high = fma(f[2], load(w, a + p[2]), low), fma(f[2], load(w, b + p[2]), high)
    low, high = fma(f[3], load(w, a + p[3]), low), fma(f[3], load(w, b + p[3]), high)
    low, high = fma(f[4], load(w, a + p[4]), low), fma(f[4], load(w, b + p[4]), high)
    low, high = fma(f[5], load(w, a + p[5]), low), fma(f[5], load(w, b + p[5]), high)
    low, high = fma(f[6], load(w, a + p[6]), low), fma(f[6], load(w, b + p[6]), high)
    low, high = fma(f[7], load(w, a + p[7]), low), fma(f[7], load(w, b + p[7]), high)
    return fma(f[8], load(w, a + p[8]), low), fma(f[8], load(w, b + p[8]), high)


_add_nine = _jit.jit(_nine_taps, inner=True)


def _rows_of_nine(out, line, first, w, plane, weight, at, turns, g, place):  # type: ignore[no-untyped-def]
    """All rows of a band by nine taps, from output row `line` on; `first` is the bias."""
    p = (_offset(g, 0), _offset(g, 1), _offset(g, 2), _offset(g, 3), _offset(g, 4), _offset(g, 5), _offset(g, 6),
         _offset(g, 7), _offset(g, 8))  # fmt: skip
    args = (weight, at, turns, g)
    f = (_factor(*args, 0), _factor(*args, 1), _factor(*args, 2), _factor(*args, 3), _factor(*args, 4),
         _factor(*args, 5), _factor(*args, 6), _factor(*args, 7), _factor(*args, 8))  # fmt: skip
    step = lanes(w)
    for row in range(g.out_y):
        to = (line + row * place.by_y) * place.full_x + place.at_x
        for px in range(0, g.out_x, 2 * step):
            low, high = _add_nine(w, plane + row * g.q_x + px, p, f, first, first)
            store_part(out, to + px, low, g.out_x - px)
            store_part(out, to + px + step, high, g.out_x - px - step)


_run_nine = _jit.jit(_rows_of_nine, inner=True)


def _spread(out, at, by, w, w_at, low, high, count):  # type: ignore[no-untyped-def]
    """Write two vectors of pixels, `by` apart."""
    step = lanes(w)
    if by == 1:
        store_part(out, at, low, count)
        store_part(out, at + step, high, count - step)
    else:
        store(w, w_at, low)
        store(w, w_at + step, high)
        for j in range(min(count, 2 * step)):
            out[at + j * by] = w[w_at + j]


def _collect(out, at, by, w, w_at, count):  # type: ignore[no-untyped-def]
    """Read what `_spread` has written, into w."""
    step = lanes(w)
    if by == 1:
        store(w, w_at, load_part(out, at, count))
        store(w, w_at + step, load_part(out, at + step, count - step))
    else:
        for j in range(min(count, 2 * step)):
            w[w_at + j] = out[at + j * by]


_write_pixels, _read_pixels = _jit.jit(_spread, inner=True), _jit.jit(_collect, inner=True)


@inner_ranges
def _bands(start, stop, grain, out, x, weight, bias, lead, w, size, rows, groups, cs, m, flipped, g, place):  # type: ignore[no-untyped-def]
    """Item = (image and group, layer, band of rows): channel after channel, planes of the band and their sums."""
    step, bands = lanes(w), (g.out_y + rows - 1) // rows
    image = g.size_z * g.size_y * g.size_x
    across, along = (place.kernel, m * place.kernel) if flipped else (cs * place.kernel, place.kernel)
    turn_y, turn_x = place.turn_y * place.kernel_x, place.turn_x
    turn_z = place.turn_z * place.kernel_y * place.kernel_x
    tap = (place.tap_z * place.kernel_y + place.tap_y) * place.kernel_x + place.tap_x
    spare = start // grain * size
    plane = spare + 2 * step
    for item in range(start, stop):
        group, z, y = item // (bands * g.out_z), item // bands % g.out_z, item % bands * rows
        band = band_job(g, z, y, min(rows, g.out_y - y))
        for k in range(max(cs, 1)):
            if cs > 0:
                make_plane(w, plane, x, (group * cs + k) * image, band)
            for r in range(m):
                output = group * m + r
                factor = (group % groups) * cs * m * place.kernel + r * across + k * along + tap
                if cs == 1 and g.taps_z * g.taps_y * g.taps_x == 9 and place.by_x == 1:
                    first = splat(bias[output % (groups * m)]) if lead else zero(w)
                    to = (output * place.full_z + place.at_z + z * place.by_z) * place.full_y + place.at_y
                    turns = (turn_z, turn_y, turn_x)
                    _run_nine(out, to + y * place.by_y, first, w, plane, weight, factor, turns, band, place)
                    continue
                for row in range(band.out_y):
                    to = (output * place.full_z + place.at_z + z * place.by_z) * place.full_y
                    to = (to + place.at_y + (y + row) * place.by_y) * place.full_x + place.at_x
                    for px in range(0, g.out_x, 2 * step):
                        low = zero(w)
                        if lead:
                            low = splat(bias[output % (groups * m)])
                        high = low
                        at = to + px * place.by_x
                        if k > 0:
                            _read_pixels(out, at, place.by_x, w, spare, g.out_x - px)
                            low, high = load(w, spare), load(w, spare + step)
                        if cs > 0:
                            low, high = _add_taps(
                                w, plane + row * g.q_x + px, weight, factor, turn_z, turn_y, turn_x, low, high, band
                            )  # fmt: skip
                        _write_pixels(out, at, place.by_x, w, spare, low, high, g.out_x - px)


@_jit.shared
def band_rows(g):  # type: ignore[no-untyped-def]
    """Output rows of one band."""
    layer = band_job(g, 0, 0, 1)
    more = g.kept_z * g.kept_y * g.kept_x * layer.q_z * g.q_x  # each further row adds this much
    return max(1, min(g.out_y, 1 + (_BAND - layer.plane) // max(1, more)))


@_jit.shared
def few_workspace(flipped, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `few_convolve`: for each of 64 chunks the plane of a band."""
    most = 0
    for phase in range(phase_count(flipped, sizes)):
        g, _ = phase_job(flipped, phase, sizes)
        most = max(most, band_job(g, 0, 0, band_rows(g)).plane)
    return _CHUNKS * (most + 8 * LANES)


_run_bands = _bands.cpu


def _engine(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    """As `gemm_convolve`, for few channels m."""
    size = few_workspace(flipped, sizes) // _CHUNKS
    for phase in range(phase_count(flipped, sizes)):
        g, place = phase_job(flipped, phase, sizes)
        rows = band_rows(g)
        items = n * groups * g.out_z * ((g.out_y + rows - 1) // rows)
        work = (m * g.taps_z * g.taps_y * g.taps_x + 2) * cs * rows * g.out_x
        grain = max((items + _CHUNKS - 1) // _CHUNKS, (1 << 18) // max(1, work), 1)
        args = (out, x, weight, added, lead, w, size, rows, groups, cs, m, flipped, g, place)
        _run_bands(args, 0, items, grain, pool)


few_convolve = _jit.jit(_engine)
