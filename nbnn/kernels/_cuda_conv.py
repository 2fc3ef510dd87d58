"""Convolution on CUDA as a matrix product whose second factor is never made: its slices are gathered from the image.

For each group the result is (channels, pixels) = weight (channels, depth) @ image (depth, pixels), where depth runs
over the channels and taps of the kernel. Blocks and threads are those of `_cuda_matrix`. What a number of the depth or
a pixel stands for takes divisions, so each is worked out once: that of its own column by each thread, those of a slice
by its first threads, which leave them in shared memory. The number at pixel p and tap k is

    x[base(p) + place(k) + inside(corner(p) + offset(k))]

with zero where the position is outside of the image or, in the transposed convolution, between its pixels: there
positions are divided by the stride, which has to go without a rest. The gradient to the weight is the same product with
the pixels as its inner axis; it is split over blocks, for it has few results and long sums.
"""

from __future__ import annotations

from nbnn.kernels._cuda_matrix import COPIES, DEPTH, OWN, PITCH, TILE, multiply_slices, share_of
from nbnn.kernels._cuda_rows import fold_sum
from nbnn.kernels._tiles import EACH, SIDE, THREADS, cuda, part

WORDS = 5 * DEPTH  # of the table that a slice needs: weight or gradient, base, and three coordinates


@part
def pixel_at(p, result, scale, origin):
    """The image of pixel p of the result, its place in the image, and where its first tap lies."""
    space = result[0] * result[1] * result[2]
    image, cell = p // space, p % space
    z, y, x = cell // (result[1] * result[2]), cell // result[2] % result[1], cell % result[2]
    return image, cell, z * scale[0] + origin[0], y * scale[1] + origin[1], x * scale[2] + origin[2]


@part
def tap_at(k, kernel, reach):
    """The channel of number k of the depth, its tap, and the tap's offset."""
    taps = kernel[0] * kernel[1] * kernel[2]
    channel, tap = k // taps, k % taps
    z, y, x = tap // (kernel[1] * kernel[2]), tap // kernel[2] % kernel[1], tap % kernel[2]
    return channel, tap, z * reach[0], y * reach[1], x * reach[2]


@part
def pick(x, at, z, y, e, source, divisor):
    """x[at + (z, y, e)], 0 outside and between."""
    if z < 0 or y < 0 or e < 0 or z % divisor[0] != 0 or y % divisor[1] != 0 or e % divisor[2] != 0:
        return x.dtype.type(0)
    z, y, e = z // divisor[0], y // divisor[1], e // divisor[2]
    if z >= source[0] or y >= source[1] or e >= source[2]:
        return x.dtype.type(0)
    return x[at + (z * source[1] + y) * source[2] + e]


@part
def convolve_tile(
    out, x, weight, bias, n, groups, cs, m, source, kernel, result, scale, origin, reach, divisor,
    row_step, channel_step, left, right, table,
):  # fmt: skip
    """The tile of this block: `m` channels out of `cs` for each of the groups."""
    t = cuda.threadIdx.x
    plane, space = source[0] * source[1] * source[2], result[0] * result[1] * result[2]
    depth, pixels = cs * kernel[0] * kernel[1] * kernel[2], n * space
    down, across = (m + TILE - 1) // TILE, (pixels + TILE - 1) // TILE
    group, tile = cuda.blockIdx.x // (down * across), cuda.blockIdx.x % (down * across)
    row, column = tile // across * TILE, tile % across * TILE
    image, _, z, y, e = pixel_at(column + t % TILE, result, scale, origin)
    base, within = (image * groups + group) * cs * plane, column + t % TILE < pixels
    total = cuda.local.array(OWN, x.dtype)
    for i in range(OWN):
        total[i] = 0
    for step in range(0, depth, DEPTH):
        if t < DEPTH:
            channel, tap, dz, dy, de = tap_at(step + t, kernel, reach)
            table[t], table[DEPTH + t] = channel * channel_step + tap, channel * plane
            table[2 * DEPTH + t], table[3 * DEPTH + t], table[4 * DEPTH + t] = dz, dy, de
        cuda.syncthreads()
        for j in range(COPIES):
            r, d = (t + j * THREADS) // DEPTH, t % DEPTH
            value = x.dtype.type(0)
            if row + r < m and step + d < depth:
                value = weight[group * m * depth + (row + r) * row_step + table[d]]
            left[d * PITCH + r] = value
            d = (t + j * THREADS) // TILE
            value = x.dtype.type(0)
            if within and step + d < depth:
                dz, dy, de = table[2 * DEPTH + d], table[3 * DEPTH + d], table[4 * DEPTH + d]
                value = pick(x, base + table[DEPTH + d], z + dz, y + dy, e + de, source, divisor)
            right[d * PITCH + t % TILE] = value
        cuda.syncthreads()
        multiply_slices(total, left, right)
        cuda.syncthreads()
    _store(out, total, bias, group, row, column, m, groups, space, pixels)


@part
def _store(out, total, bias, group, row, column, m, groups, space, pixels):
    tx, ty = cuda.threadIdx.x % SIDE, cuda.threadIdx.x // SIDE
    for j in range(EACH):
        p = column + tx + j * SIDE
        if p < pixels:
            image, cell = p // space, p % space
            for i in range(EACH):
                channel = group * m + row + ty + i * SIDE
                if row + ty + i * SIDE < m:
                    value = total[i * EACH + j]
                    if bias is not None:
                        value += bias[channel]
                    out[(image * groups * m + channel) * space + cell] = value


@part
def weight_tile(
    out, grad, x, n, groups, cs, m, source, kernel, result, scale, origin, reach, left, right, table
):  # fmt: skip
    """The tile of this block, summed over the pixels of its slice."""
    t = cuda.threadIdx.x
    plane, space = source[0] * source[1] * source[2], result[0] * result[1] * result[2]
    depth, pixels = cs * kernel[0] * kernel[1] * kernel[2], n * space
    down, across = (m + TILE - 1) // TILE, (depth + TILE - 1) // TILE
    group, tile = cuda.blockIdx.x // (down * across), cuda.blockIdx.x % (down * across)
    row, column = tile // across * TILE, tile % across * TILE
    channel, _, dz, dy, de = tap_at(column + t % TILE, kernel, reach)
    place, within = channel * plane, column + t % TILE < depth
    some = share_of(pixels, cuda.gridDim.y)
    first = cuda.blockIdx.y * some
    last = min(pixels, first + some)
    total = cuda.local.array(OWN, x.dtype)
    for i in range(OWN):
        total[i] = 0
    for step in range(first, last, DEPTH):
        if t < DEPTH:
            image, cell, z, y, e = pixel_at(step + t, result, scale, origin)
            table[t], table[DEPTH + t] = image * groups * m * space + cell, (image * groups + group) * cs * plane
            table[2 * DEPTH + t], table[3 * DEPTH + t], table[4 * DEPTH + t] = z, y, e
        cuda.syncthreads()
        for j in range(COPIES):
            r, d = (t + j * THREADS) // DEPTH, t % DEPTH
            value = x.dtype.type(0)
            if row + r < m and step + d < last:
                value = grad[table[d] + (group * m + row + r) * space]
            left[d * PITCH + r] = value
            d = (t + j * THREADS) // TILE
            value = x.dtype.type(0)
            if within and step + d < last:
                z, y, e = table[2 * DEPTH + d], table[3 * DEPTH + d], table[4 * DEPTH + d]
                value = pick(x, place + table[DEPTH + d], z + dz, y + dy, e + de, source, (1, 1, 1))
            right[d * PITCH + t % TILE] = value
        cuda.syncthreads()
        multiply_slices(total, left, right)
        cuda.syncthreads()
    start = (cuda.blockIdx.y * groups + group) * m * depth
    _store_weight(out, total, start, row, column, m, depth)


@part
def _store_weight(out, total, start, row, column, m, depth):
    tx, ty = cuda.threadIdx.x % SIDE, cuda.threadIdx.x // SIDE
    for i in range(EACH):
        r = row + ty + i * SIDE
        for j in range(EACH):
            c = column + tx + j * SIDE
            if r < m and c < depth:
                out[start + r * depth + c] = total[i * EACH + j]


@part
def channel_sum(out, grad, n, channels, space, channel, shared):
    """out[channel] = sum of grad (n, channels, space) over images and pixels."""
    value = grad.dtype.type(0)
    for j in range(cuda.threadIdx.x, n * space, THREADS):
        value += grad[(j // space * channels + channel) * space + j % space]
    value = fold_sum(shared, value)
    if cuda.threadIdx.x == 0:
        out[channel] = value
