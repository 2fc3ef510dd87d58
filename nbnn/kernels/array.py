"""Bodies of what a Tensor itself needs: arithmetic, casts, strided copies, reductions' parts, indexing."""

from __future__ import annotations

from nbnn.kernels._cpu import over_elements, over_outputs


@over_outputs(1)
def fill(i, value):
    """y = value"""
    return value


@over_outputs(1)
def arange(i, start, step):
    """y_i = start + i step"""
    return start + i * step


@over_outputs(1)
def eye(i, columns):
    """y_ij = 1 if i = j, else 0"""
    return 1 if i // columns == i % columns else 0


@over_elements(2)
def add(a, b, alpha):
    """y = a + alpha b"""
    return a + type(a)(alpha) * b


@over_elements(1)
def add_scalar(a, scalar):
    """y = a + s"""
    return a + type(a)(scalar)


@over_elements(2)
def mul(a, b):
    """y = a b"""
    return a * b


@over_elements(1)
def mul_scalar(a, scalar):
    """y = s a"""
    return a * type(a)(scalar)


@over_elements(2)
def logical_and(a, b):
    """y = a and b: the product of truth values"""
    return (a != 0) & (b != 0)


@over_elements(2)
def logical_or(a, b):
    """y = a or b: the sum of truth values"""
    return (a != 0) | (b != 0)


@over_elements(2)
def div(a, b):
    """y = a / b"""
    return a / b


@over_elements(1)
def rdiv_scalar(a, scalar):
    """y = s / a"""
    return type(a)(scalar) / a


@over_elements(1)
def div_scalar(a, scalar):
    """y = a / s"""
    return a / type(a)(scalar)


@over_elements(1)
def cast(x):
    """y = x in the type of y"""
    return x


@over_elements(1)
def truth(x):
    """y = (x != 0)"""
    return x != 0


# Halves are converted by integer arithmetic on their bits: the libraries' conversions are calls that a JIT cannot
# resolve on every CPU. The float32 side comes as its bits too (uint32).


@over_elements(1)
def half_to_float(h):
    """The bits of the float32 with the value of a float16."""
    sign = (int(h) & 0x8000) << 16
    exponent = (int(h) >> 10) & 0x1F
    mantissa = int(h) & 0x3FF
    if exponent == 0x1F:  # infinity and NaN
        return sign | 0x7F800000 | (mantissa << 13)
    if exponent != 0:
        return sign | ((exponent + 112) << 23) | (mantissa << 13)
    if mantissa == 0:
        return sign
    exponent = 113  # subnormal: shift the leading one into place
    while mantissa & 0x400 == 0:
        mantissa <<= 1
        exponent -= 1
    return sign | (exponent << 23) | ((mantissa & 0x3FF) << 13)


@over_elements(1)
def float_to_half(f):
    """The bits of the float16 nearest to a float32, ties to even."""
    sign = (int(f) >> 16) & 0x8000
    magnitude = int(f) & 0x7FFFFFFF
    if magnitude > 0x7F800000:
        return sign | 0x7E00
    if magnitude >= 0x477FF000:  # rounds to 65536 or more
        return sign | 0x7C00
    shift = 13
    mantissa = magnitude - (112 << 23)
    if magnitude < 0x38800000:  # below 2**-14: subnormal, its unit is 2**-24
        shift = 126 - (magnitude >> 23)
        if shift > 24:
            return sign
        mantissa = (magnitude & 0x7FFFFF) | 0x800000
    rounded = mantissa + (1 << (shift - 1)) - 1 + ((mantissa >> shift) & 1)
    return sign | (rounded >> shift)


@over_elements(1)
def bfloat_to_float(h):
    """The bits of the float32 with the value of a bfloat16."""
    return int(h) << 16


@over_elements(1)
def float_to_bfloat(f):
    """The bits of the bfloat16 nearest to a float32, ties to even."""
    bits = int(f)
    if bits & 0x7FFFFFFF > 0x7F800000:
        return (bits >> 16) | 0x40
    return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16


@over_elements(2)
def eq(a, b):
    """y = (a == b)"""
    return a == b


@over_elements(2)
def ne(a, b):
    """y = (a != b)"""
    return a != b


@over_elements(2)
def lt(a, b):
    """y = (a < b)"""
    return a < b


@over_elements(2)
def le(a, b):
    """y = (a <= b)"""
    return a <= b
