"""Element types: nbnn's names for them, and the NumPy type in which each is stored."""

from __future__ import annotations

from typing import Any

import numpy as np


class dtype:
    """The type of a Tensor's elements.

    Attributes
    ----------
    name : str
        Such as ``"float32"``.
    numpy : numpy.dtype or None
        The NumPy type with the same values; None for bfloat16, which NumPy does not have.
    storage : numpy.dtype
        What the elements are stored as: halves are kept as their bits (uint16), because Numba computes with
        neither half type on a CPU, and are converted to float32 for arithmetic.
    itemsize : int
        Bytes of one element.
    is_floating_point, is_complex : bool
        Whether the elements are real numbers of a floating type, or pairs of them.
    is_differentiable : bool
        Whether gradients can flow through it: it is one of the two.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.float32
    nbnn.float32
    >>> nbnn.float32.itemsize
    4
    """

    __slots__ = (
        "is_complex",
        "is_differentiable",
        "is_floating_point",
        "is_half",
        "itemsize",
        "name",
        "numpy",
        "rank",
        "storage",
    )

    def __init__(self, name: str, numpy_type: Any, rank: int, is_half: bool = False) -> None:
        self.name = name
        self.numpy = None if numpy_type is None else np.dtype(numpy_type)
        self.is_half = is_half
        self.storage = np.dtype(np.uint16) if is_half else np.dtype(numpy_type)
        self.itemsize = self.storage.itemsize
        self.is_floating_point = is_half or self.storage.kind == "f"
        self.is_complex = self.storage.kind == "c"
        self.is_differentiable = self.is_floating_point or self.is_complex
        self.rank = rank

    @property
    def is_signed(self) -> bool:
        return self.is_differentiable or self.storage.kind == "i"

    def __repr__(self) -> str:
        return f"nbnn.{self.name}"

    def __reduce__(self) -> tuple:
        return as_dtype, (self.name,)

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: dict) -> dtype:
        return self


# `rank` orders the types for promotion: bool < integers < floats < complex numbers.
bool_ = dtype("bool", np.bool_, 0)
uint8 = dtype("uint8", np.uint8, 1)
int8 = dtype("int8", np.int8, 2)
int16 = dtype("int16", np.int16, 3)
int32 = dtype("int32", np.int32, 4)
int64 = dtype("int64", np.int64, 5)
float16 = dtype("float16", np.float16, 6, is_half=True)
bfloat16 = dtype("bfloat16", None, 7, is_half=True)
float32 = dtype("float32", np.float32, 8)
float64 = dtype("float64", np.float64, 9)
complex64 = dtype("complex64", np.complex64, 10)
complex128 = dtype("complex128", np.complex128, 11)

ALL = (bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64, complex128)
_BY_NUMPY = {t.numpy: t for t in ALL if t.numpy is not None}
_BY_NAME = {t.name: t for t in ALL} | {
    "half": float16,
    "float": float32,
    "double": float64,
    "long": int64,
    "int": int32,
    "cfloat": complex64,
    "cdouble": complex128,
}
_BY_PYTHON = {bool: bool_, int: int64, float: float64, complex: complex128}


class _Default:
    floating = float32


def get_default_dtype() -> dtype:
    """The floating type of new Tensors made from Python floats (float32 unless set otherwise).

    Examples
    --------
    >>> import nbnn
    >>> nbnn.get_default_dtype()
    nbnn.float32
    """
    return _Default.floating


def set_default_dtype(d: dtype) -> None:
    """Set the floating type of new Tensors made from Python floats.

    Raises
    ------
    TypeError
        If `d` is not float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.set_default_dtype(nbnn.float64)
    >>> nbnn.ones(2).dtype
    nbnn.float64
    >>> nbnn.set_default_dtype(nbnn.float32)
    """
    if d not in (float32, float64):
        raise TypeError(f"set_default_dtype: `d` (={d!r}) must be nbnn.float32 or nbnn.float64")
    _Default.floating = d


def as_dtype(value: Any, op: str = "dtype") -> dtype:
    """The dtype that `value` names: a dtype, a NumPy type, a Python type or a name.

    Raises
    ------
    TypeError
        If nbnn has no such type (structured types, for example).
    """
    if isinstance(value, dtype):
        return value
    try:
        if isinstance(value, str):
            return _BY_NAME[value.removeprefix("nbnn.")]
        if isinstance(value, type) and value in _BY_PYTHON:
            return _BY_PYTHON[value]
        return _BY_NUMPY[np.dtype(value).newbyteorder("=")]
    except (KeyError, TypeError):
        names = ", ".join(t.name for t in ALL)
        raise TypeError(f"{op}: `dtype` (={value!r}) must be one of {names}") from None


# -- promotion -----------------------------------------------------------------------------------------------------
# The one rule for the type of a result: `promote_types` says what two types have in common, `combined` which operands
# have a say in it. Everything of two or more operands goes through these (see `functional/promotion`).


def category(kind: dtype) -> int:
    """0 for bool, 1 for integers, 2 for floating-point numbers, 3 for complex ones."""
    return 2 if kind.is_floating_point else 3 if kind.is_complex else 0 if kind is bool_ else 1


def complex_of(kind: dtype) -> dtype:
    """The complex type whose parts hold numbers of type `kind`."""
    return complex128 if kind is float64 or kind is complex128 else complex64


def real_of(kind: dtype) -> dtype:
    """The type of the parts of a complex type; any other type itself."""
    return float64 if kind is complex128 else float32 if kind is complex64 else kind


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds the values of both.

    The higher of the two in bool < integers < floats < complex numbers; the mixed pairs that fit in neither operand's
    type, (uint8, int8), (float16, bfloat16) and (float64, complex64), give int16, float32 and complex128.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.promote_types(nbnn.int32, nbnn.float16)
    nbnn.float16
    """
    a, b = as_dtype(type1, "promote_types"), as_dtype(type2, "promote_types")
    if a is b:
        return a
    pair = {a, b}
    if pair == {uint8, int8}:
        return int16
    if pair == {float16, bfloat16}:
        return float32
    if pair == {float64, complex64}:
        return complex128
    return a if a.rank > b.rank else b


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of type `from_` may be kept in place in `to`: of no lower category.

    The categories are bool < integers < floats < complex numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.can_cast(nbnn.float64, nbnn.float16), nbnn.can_cast(nbnn.float32, nbnn.int64)
    (True, False)
    """
    return category(as_dtype(from_, "can_cast")) <= category(as_dtype(to, "can_cast"))


def combined(tensors: dtype | None, scalars: dtype | None, numbers: dtype | None) -> dtype:
    """The type of a result from the common types of Tensors with axes, of those without, and of Python numbers.

    Each group has its say only where its category is higher than that of the groups before it; a complex one then
    makes floating-point numbers the complex ones of their width.
    """
    out = tensors
    for kind in (scalars, numbers):
        if out is None:
            out = kind
        elif kind is not None and category(kind) > category(out):
            out = complex_of(out) if kind.is_complex and out.is_floating_point else kind
    if out is None:
        raise TypeError("result_type: at least one operand must be given")
    return out


def of_number(value: bool | int | float | complex) -> dtype:
    """The dtype that a Python number stands for."""
    if isinstance(value, complex):
        return complex_of(get_default_dtype())
    return bool_ if isinstance(value, bool) else int64 if isinstance(value, int) else get_default_dtype()


# -- limits --------------------------------------------------------------------------------------------------------

_BITS_OF_FRACTION = {float16: (10, 15), bfloat16: (7, 127), float32: (23, 127), float64: (52, 1023)}


class finfo:
    """The limits of a floating-point type (the default one unless given).

    Attributes
    ----------
    bits : int
        Of one element.
    eps : float
        The distance from 1 to the next number.
    max, min : float
        The largest finite number, and its negative.
    tiny, smallest_normal : float
        The smallest positive number of full precision.
    dtype : str

    Raises
    ------
    TypeError
        If `type` is not a floating-point type.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.finfo(nbnn.bfloat16).eps
    0.0078125
    """

    def __init__(self, type: Any = None) -> None:
        kind = get_default_dtype() if type is None else as_dtype(type, "finfo")
        if not kind.is_floating_point:
            raise TypeError(f"finfo: `type` (={kind!r}) must be a floating-point dtype; see iinfo")
        fraction, exponent = _BITS_OF_FRACTION[kind]
        self.bits = 8 * kind.itemsize
        self.eps = 2.0**-fraction
        self.max = (2.0 - self.eps) * 2.0**exponent
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - exponent)
        self.dtype = kind.name

    def __repr__(self) -> str:
        return f"finfo(dtype={self.dtype}, eps={self.eps:g}, max={self.max:g}, tiny={self.tiny:g})"


class iinfo:
    """The limits of an integer type.

    Attributes
    ----------
    bits : int
        Of one element.
    max, min : int
        The largest and the smallest number.
    dtype : str

    Raises
    ------
    TypeError
        If `type` is not an integer type.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.iinfo(nbnn.int8).min
    -128
    """

    def __init__(self, type: Any) -> None:
        kind = as_dtype(type, "iinfo")
        if category(kind) != 1:
            raise TypeError(f"iinfo: `type` (={kind!r}) must be an integer dtype; see finfo")
        limits = np.iinfo(kind.storage)
        self.bits, self.max, self.min, self.dtype = limits.bits, int(limits.max), int(limits.min), kind.name

    def __repr__(self) -> str:
        return f"iinfo(dtype={self.dtype}, min={self.min}, max={self.max})"
