"""Activations: relu, tanh, sigmoid, gelu, silu, mish, softplus and their kin.

Most come in threes: the function, its slope times a gradient, and its curvature (second derivative).
"""

from __future__ import annotations

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements, over_rows
from nbnn.kernels._vecmath import natural

_GELU_1, _GELU_3 = 1.5957691216057308, 0.044715  # 2 * sqrt(2 / pi)


@over_elements(1)
def relu(x):
    """y = max(x, 0); NaN stays NaN and -0.0 becomes 0.0."""
    return type(x)(0) if x <= 0 else x


@over_elements(2)
def relu_backward(grad, x):
    """dx = grad where x > 0, else 0 (the derivative at 0 is chosen to be 0); where x is NaN, grad passes."""
    return type(grad)(0) if x <= 0 else grad


@over_elements(1)
def tanh(x):
    """y = tanh(x)."""
    return vm.tanh(x)


@over_elements(2)
def tanh_backward(grad, y):
    """dx = grad * (1 - y**2), with y = tanh(x)."""
    return grad * (type(y)(1) - y * y)


@over_elements(1)
def sigmoid(x):
    """y = 1 / (1 + exp(-x))."""
    return vm.sigmoid(x)


@over_elements(2)
def sigmoid_backward(grad, y):
    """dx = grad * y * (1 - y), with y = sigmoid(x)."""
    return grad * ((type(y)(1) - y) * y)


@over_elements(1)
def gelu(x):
    """y = x * P(normal < x)."""
    return x * vm.normal_cdf(x)


@over_elements(2)
def gelu_backward(grad, x):
    """dx = grad * (cdf(x) + x * density(x))."""
    return grad * (vm.normal_cdf(x) + x * vm.normal_density(x))


@over_elements(1)
def gelu_curvature(x):
    """density(x) * (2 - x**2)."""
    return vm.normal_density(x) * (type(x)(2) - x * x)


# gelu by tanh: y = x * sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 * x**3); below, v = 2 u and its derivatives.


@over_elements(1)
def gelu_tanh(x):
    """y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))."""
    return x * vm.sigmoid(type(x)(_GELU_1) * x * (type(x)(1) + type(x)(_GELU_3) * (x * x)))


@over_elements(2)
def gelu_tanh_backward(grad, x):
    """dx = grad * (s + x * s * (1 - s) * v'), s = sigmoid(v)."""
    square = x * x
    s = vm.sigmoid(type(x)(_GELU_1) * x * (type(x)(1) + type(x)(_GELU_3) * square))
    slope = type(x)(_GELU_1) * (type(x)(1) + type(x)(3 * _GELU_3) * square)
    return grad * s * (type(x)(1) + x * (type(x)(1) - s) * slope)


@over_elements(1)
def gelu_tanh_curvature(x):
    """s * (1 - s) * (2 v' + x * ((1 - 2 s) * v'**2 + v''))."""
    square = x * x
    s = vm.sigmoid(type(x)(_GELU_1) * x * (type(x)(1) + type(x)(_GELU_3) * square))
    slope = type(x)(_GELU_1) * (type(x)(1) + type(x)(3 * _GELU_3) * square)
    bend = type(x)(6 * _GELU_1 * _GELU_3) * x
    inner = (type(x)(1) - type(x)(2) * s) * slope * slope + bend
    return s * (type(x)(1) - s) * (type(x)(2) * slope + x * inner)


@over_elements(1)
def silu(x):
    """y = x * sigmoid(x)."""
    return x * vm.sigmoid(x)


@over_elements(2)
def silu_backward(grad, x):
    """dx = grad * s * (1 + x * (1 - s)), s = sigmoid(x)."""
    s = vm.sigmoid(x)
    return grad * s * (type(x)(1) + x * (type(x)(1) - s))


@over_elements(1)
def silu_curvature(x):
    """s * (1 - s) * (2 + x * (1 - 2 s))."""
    s = vm.sigmoid(x)
    return s * (type(x)(1) - s) * (type(x)(2) + x * (type(x)(1) - type(x)(2) * s))


# mish: t = tanh(ln(1 + e**x)) = n / (n + 2 m) with n = e**2x + 2 e**x and m = 1, both divided by e**2x where x > 0.


@over_elements(1)
def mish(x):
    """y = x * tanh(ln(1 + e**x))."""
    e = vm.exp(-abs(x))
    n = e * (e + type(x)(2)) if x < 0 else type(x)(1) + type(x)(2) * e
    return x * (n / (n + (type(x)(2) if x < 0 else type(x)(2) * e * e)))


@over_elements(2)
def mish_backward(grad, x):
    """dx = grad * (t + x * s * (1 - t**2)), s = sigmoid(x)."""
    e = vm.exp(-abs(x))
    n = e * (e + type(x)(2)) if x < 0 else type(x)(1) + type(x)(2) * e
    t = n / (n + (type(x)(2) if x < 0 else type(x)(2) * e * e))
    s = (e if x < 0 else type(x)(1)) / (type(x)(1) + e)
    return grad * (t + x * s * (type(x)(1) - t * t))


@over_elements(1)
def mish_curvature(x):
    """(1 - t**2) * s * (2 + x * (1 - s - 2 t s))."""
    e = vm.exp(-abs(x))
    n = e * (e + type(x)(2)) if x < 0 else type(x)(1) + type(x)(2) * e
    t = n / (n + (type(x)(2) if x < 0 else type(x)(2) * e * e))
    s = (e if x < 0 else type(x)(1)) / (type(x)(1) + e)
    return (type(x)(1) - t * t) * s * (type(x)(2) + x * (type(x)(1) - s - type(x)(2) * t * s))


@over_elements(1)
def softplus(x, beta, threshold):
    """y = ln(1 + e**(beta * x)) / beta; x itself where beta * x is above the threshold."""
    b = x * type(x)(beta)
    return x if b > type(x)(threshold) else vm.softplus(b) / type(x)(beta)


@over_elements(2)
def softplus_backward(grad, x, beta, threshold):
    """dx = grad * sigmoid(beta * x); grad above the threshold."""
    b = x * type(x)(beta)
    return grad if b > type(x)(threshold) else grad * vm.sigmoid(b)


@over_elements(1)
def softplus_curvature(x, beta, threshold):
    """beta * s * (1 - s), s = sigmoid(beta * x); 0 above the threshold."""
    b = x * type(x)(beta)
    s = vm.sigmoid(b)
    return type(x)(0) if b > type(x)(threshold) else type(x)(beta) * s * (type(x)(1) - s)


@over_elements(1)
def logsigmoid(x):
    """y = -ln(1 + e**-x)."""
    return -vm.softplus(-x)


@over_elements(2)
def logsigmoid_backward(grad, x):
    """dx = grad * sigmoid(-x)."""
    return grad * vm.sigmoid(-x)


@over_elements(1)
def logsigmoid_curvature(x):
    """-s * (1 - s), s = sigmoid(-x)."""
    s = vm.sigmoid(-x)
    return -s * (type(x)(1) - s)


@over_elements(1)
def softsign(x):
    """y = x / (1 + |x|)."""
    return x / (type(x)(1) + abs(x))


@over_elements(2)
def softsign_backward(grad, x):
    """dx = grad / (1 + |x|)**2."""
    d = type(x)(1) + abs(x)
    return grad / (d * d)


@over_elements(1)
def softsign_curvature(x):
    """-2 * sign(x) / (1 + |x|)**3, 0 at 0."""
    d = type(x)(1) + abs(x)
    sign = type(x)(-2) if x > 0 else type(x)(2) if x < 0 else x
    return sign / (d * d * d)


@over_elements(1)
def tanhshrink(x):
    """y = x - tanh(x)."""
    return x - vm.tanh(x)


@over_elements(2)
def tanhshrink_backward(grad, x):
    """dx = grad * tanh(x)**2."""
    t = vm.tanh(x)
    return grad * (t * t)


@over_elements(1)
def tanhshrink_curvature(x):
    """2 * t * (1 - t**2), t = tanh(x)."""
    t = vm.tanh(x)
    return type(x)(2) * t * (type(x)(1) - t * t)


# glu sees its input as (outer, 2, size) and its output as (outer, size); a row is one of the `blocks` pieces of an
# outer index. The axis is there for the op's rule of shapes.
GLU_PIECE = 4096


@over_rows
def glu(row, y, x, size, blocks, axis):
    """y = a * sigmoid(b), a and b the two halves."""
    outer = row // blocks
    first = (row - outer * blocks) * GLU_PIECE
    last = first + GLU_PIECE if first + GLU_PIECE < size else size
    a, b, at = outer * 2 * size, outer * 2 * size + size, outer * size
    for k in range(first, last):
        y[natural(at + k)] = x[natural(a + k)] * vm.sigmoid(x[natural(b + k)])


@over_rows
def glu_backward(row, dx, grad, x, size, blocks, axis):
    """da = grad * s, db = grad * a * s * (1 - s), s = sigmoid(b)."""
    outer = row // blocks
    first = (row - outer * blocks) * GLU_PIECE
    last = first + GLU_PIECE if first + GLU_PIECE < size else size
    a, b, at = outer * 2 * size, outer * 2 * size + size, outer * size
    for k in range(first, last):
        s = vm.sigmoid(x[natural(b + k)])
        g = grad[natural(at + k)] * s
        dx[natural(a + k)] = g
        dx[natural(b + k)] = g * x[natural(a + k)] * (type(s)(1) - s)
