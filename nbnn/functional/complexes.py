"""Complex numbers: their parts, conjugates, sizes and angles.

A gradient is PyTorch's: for a real loss L and z = x + iy it is dL/dx + i dL/dy, the direction of steepest ascent. For
a function f that is holomorphic the gradient of its input is therefore g * conj(f'(z)).
"""

from __future__ import annotations

from typing import Any

import nbnn.dtypes as _dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul
from nbnn.functional.comparison import eq
from nbnn.functional.conversion import cast
from nbnn.functional.joining import stack
from nbnn.functional.pairs import AS_COMPLEX, part, parts
from nbnn.functional.promotion import operands
from nbnn.functional.trigonometry import atan2
from nbnn.kernels import complexes as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

CONJ: Op = Op("conj", K.conj, grad=lambda node, g: (apply(CONJ, g),), takes_complex=True)


def _modulus_grad(node: Node, g: Tensor) -> tuple:
    """g z / |z|, and 0 at 0; what was saved comes as its conjugate."""
    z, y = node.saved
    return (mul(g, div(conj(z), add(y, cast(eq(y, 0), y._dtype)))),)


# The type of the result follows from that of the input, and an op has one for all: one op for each.
_MODULI = {
    kind: Op("abs", K.modulus, dtypes=(_dtypes.real_of(kind),), grad=_modulus_grad, saves_inputs=(0,),
             saves_outputs=(0,), work=lambda *_: 16, takes_complex=True)
    for kind in (_dtypes.complex64, _dtypes.complex128)
}  # fmt: skip


def modulus(x: Tensor) -> Tensor:
    """`abs` of complex numbers."""
    return apply(_MODULI[x._dtype], x)


@takes_arrays
def complex(real: Tensor, imag: Tensor) -> Tensor:
    """The complex numbers with these parts, :math:`z = x + iy`.

    Parameters
    ----------
    real, imag : Tensor or array of float32 or float64, both of one dtype
        Of shapes that broadcast.

    Returns
    -------
    Tensor of the broadcast shape, complex64 or complex128

    Raises
    ------
    TypeError
        If an operand is no Tensor or array of these types, the dtypes differ, or they do not lie on the CPU.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.complex(nbnn.tensor([1.0]), nbnn.tensor([-2.0]))
    tensor([1.-2.j])
    """
    parts("complex", "real", real)
    parts("complex", "imag", imag)
    _check.same_dtype("complex", real=real, imag=imag)
    return apply(AS_COMPLEX, stack(list(operands("complex", real, imag)), -1))


@takes_arrays
def real(input: Tensor) -> Tensor:
    """The real parts, in the same memory; real numbers themselves.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.real(nbnn.tensor([1 + 2j]))
    tensor([1.])
    """
    x = _check.tensor("real", "input", input)
    return part(x, 0) if x._dtype.is_complex else x


@takes_arrays
def imag(input: Tensor) -> Tensor:
    """The imaginary parts of complex numbers, in the same memory.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` is no complex Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.imag(nbnn.tensor([1 + 2j]))
    tensor([2.])
    """
    x = _check.complex_numbers("imag", input)
    return part(x, 1)


@takes_arrays
def conj(input: Tensor) -> Tensor:
    r"""The conjugates :math:`\bar z = x - iy`, as a copy; real numbers themselves.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.conj(nbnn.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    x = _check.tensor("conj", "input", input)
    return apply(CONJ, x) if x._dtype.is_complex else x


@takes_arrays
def angle(input: Tensor) -> Tensor:
    r"""The angle :math:`\varphi` in :math:`z = |z| e^{i \varphi}`, between -pi and pi.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` is no complex Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.angle(nbnn.tensor([1j, -1 + 0j]))
    tensor([1.5708, 3.1416])
    """
    x = _check.complex_numbers("angle", input)
    return atan2(part(x, 1), part(x, 0))


@takes_arrays
def is_complex(input: Any) -> bool:
    """Whether the elements are complex numbers.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.is_complex(nbnn.ones(1)), nbnn.is_complex(nbnn.tensor(1j))
    (False, True)
    """
    return _check.tensor("is_complex", "input", input)._dtype.is_complex
