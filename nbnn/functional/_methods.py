"""What Tensors can compute: the functions of this package attached to Tensor as methods and operators."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.device import as_device
from nbnn.functional import (
    activation,
    array,
    creation,
    indexing,
    inplace,
    piecewise,
    pointwise,
    rectifier,
    shape,
    softmax,
)
from nbnn.functional.linear import matmul
from nbnn.tensor import Tensor


def _reflected(function: Any) -> Any:
    def method(self: Tensor, other: Any) -> Tensor:
        return function(other, self)

    return method


def _truth(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all elements (along an axis) are different from zero."""
    misses = array.sum(array.eq(self, 0), dim, keepdim)
    return array.eq(misses, 0)


def _any(self: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any element (along an axis) is different from zero."""
    return array.ne(array.sum(array.ne(self, 0), dim, keepdim), 0)


def _expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of another Tensor."""
    return shape.expand(self, *other._shape)


def _view_as(self: Tensor, other: Tensor) -> Tensor:
    """Viewed with the shape of another Tensor."""
    return shape.view_(self, *other._shape)


def _reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the shape of another Tensor."""
    return shape.reshape(self, *other._shape)


def _contiguous(self: Tensor) -> Tensor:
    """The Tensor itself where it is row-major, else a copy that is."""
    return self if self.is_contiguous() else array.clone(self)


def _cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """A copy on the GPU (the Tensor itself where it lies there)."""
    return array.to(self, as_device("cuda" if device is None else device))


def _cpu(self: Tensor) -> Tensor:
    """A copy on the CPU (the Tensor itself where it lies there)."""
    return array.to(self, "cpu")


def _type(self: Tensor, dtype: Any = None) -> Any:
    """The name of the type, or the Tensor converted to another."""
    return f"nbnn.{self._dtype.name}" if dtype is None else array.to(self, dtypes.as_dtype(dtype, "type"))


def _converter(kind: dtypes.dtype) -> Any:
    def convert(self: Tensor) -> Tensor:
        return array.cast(self, kind)

    convert.__doc__ = f"Converted to {kind.name}."
    return convert


def _logical_not(self: Tensor) -> Tensor:
    if self._dtype is not dtypes.bool_:
        raise TypeError(f"~: needs a bool Tensor; got {self._dtype!r}")
    return array.eq(self, False)


def _both(self: Tensor, other: Tensor) -> Tensor:
    return array.mul(_bools(self, "&"), _bools(other, "&"))


def _either(self: Tensor, other: Tensor) -> Tensor:
    return array.add(_bools(self, "|"), _bools(other, "|"))


def _bools(value: Any, sign: str) -> Tensor:
    if not isinstance(value, Tensor) or value._dtype is not dtypes.bool_:
        raise TypeError(f"{sign}: operands must be bool Tensors; got {getattr(value, 'dtype', type(value).__name__)}")
    return value


_METHODS: dict[str, Any] = {
    "__add__": array.add,
    "__radd__": _reflected(array.add),
    "__sub__": array.sub,
    "__rsub__": _reflected(array.sub),
    "__mul__": array.mul,
    "__rmul__": _reflected(array.mul),
    "__truediv__": array.div,
    "__rtruediv__": _reflected(array.div),
    "__neg__": array.neg,
    "__matmul__": matmul,
    "__rmatmul__": _reflected(matmul),
    "__eq__": array.eq,
    "__ne__": array.ne,
    "__lt__": array.lt,
    "__le__": array.le,
    "__gt__": array.gt,
    "__ge__": array.ge,
    "__and__": _both,
    "__or__": _either,
    "__invert__": _logical_not,
    "__iadd__": inplace.add_,
    "__isub__": inplace.sub_,
    "__imul__": inplace.mul_,
    "__itruediv__": inplace.div_,
    "__getitem__": indexing.getitem,
    "__setitem__": inplace.setitem,
    "matmul": matmul,
    "view": shape.view_,
    "all": _truth,
    "any": _any,
    "expand_as": _expand_as,
    "view_as": _view_as,
    "reshape_as": _reshape_as,
    "contiguous": _contiguous,
    "cuda": _cuda,
    "cpu": _cpu,
    "type": _type,
    "float": _converter(dtypes.float32),
    "double": _converter(dtypes.float64),
    "half": _converter(dtypes.float16),
    "bfloat16": _converter(dtypes.bfloat16),
    "long": _converter(dtypes.int64),
    "int": _converter(dtypes.int32),
    "bool": _converter(dtypes.bool_),
    "add_": inplace.add_,
    "sub_": inplace.sub_,
    "mul_": inplace.mul_,
    "div_": inplace.div_,
    "copy_": inplace.copy_,
    "zero_": inplace.zero_,
    "fill_": inplace.set_all_,
    "uniform_": creation.uniform_,
    "normal_": creation.normal_,
}

_FROM_MODULES: dict[Any, tuple[str, ...]] = {
    array: (
        "add", "sub", "mul", "div", "neg", "sum", "mean", "argmax", "eq", "ne", "lt", "le", "gt", "ge", "to", "clone",
    ),
    shape: ("reshape", "flatten", "squeeze", "unsqueeze", "permute", "transpose", "t", "expand"),
    indexing: ("narrow",),
    activation: ("relu", "tanh", "sigmoid"),
    piecewise: ("hardshrink",),
    pointwise: ("exp", "exp2", "expm1", "log", "log1p", "log2", "sqrt", "rsqrt", "erf", "erfc"),
    rectifier: ("prelu",),
    softmax: ("softmax", "log_softmax"),
}  # fmt: skip

_IN_PLACE = {
    "neg_": array.neg,
    "relu_": activation.relu,
    "tanh_": activation.tanh,
    "sigmoid_": activation.sigmoid,
    "exp_": pointwise.exp,
    "exp2_": pointwise.exp2,
    "expm1_": pointwise.expm1,
    "log_": pointwise.log,
    "log1p_": pointwise.log1p,
    "log2_": pointwise.log2,
    "sqrt_": pointwise.sqrt,
    "rsqrt_": pointwise.rsqrt,
    "erf_": pointwise.erf,
    "erfc_": pointwise.erfc,
}


def attach() -> None:
    """Give Tensor its methods."""
    for name, function in _METHODS.items():
        setattr(Tensor, name, function)
    for module, names in _FROM_MODULES.items():
        for name in names:
            setattr(Tensor, name, getattr(module, name))
    for name, function in _IN_PLACE.items():
        setattr(Tensor, name, inplace.in_place(function, name))
    setattr(Tensor, "T", property(shape.t))  # noqa: B010


attach()
