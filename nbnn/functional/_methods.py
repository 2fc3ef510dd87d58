"""What Tensors can compute: the functions of this package attached to Tensor as methods and operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.device import as_device
from nbnn.functional import (
    activation,
    arithmetic,
    arrangement,
    array,
    binning,
    choice,
    combination,
    comparison,
    complexes,
    creation,
    cumulative,
    decomposition,
    differences,
    division,
    eigen,
    extreme,
    factory,
    gathering,
    indexing,
    inplace,
    logic,
    masking,
    matrix_function,
    ordering,
    piecewise,
    pointwise,
    power,
    product,
    rearrange,
    rectifier,
    rounding,
    running,
    sampling,
    scattering,
    shape,
    softmax,
    special,
    statistics,
    trigonometry,
    typed,
    views,
)
from nbnn.functional.linear import matmul
from nbnn.functional.promotion import Number
from nbnn.tensor import Tensor


def _reflected(function: Any) -> Any:
    def method(self: Tensor, other: Any) -> Tensor:
        return function(other, self)

    return method


def _or_not(function: Any) -> Any:
    """A comparison that leaves what is no operand of Tensors to Python, for which it is another object."""

    def method(self: Tensor, other: Any) -> Any:
        return function(self, other) if isinstance(other, (Tensor, np.ndarray, *Number)) else NotImplemented

    return method


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The Tensor where `condition` holds, else `other`."""
    return choice.where(condition, self, other)


def _contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The Tensor itself where it is row-major, else a copy that is; there is no other `memory_format`."""
    return self if self.is_contiguous() else array.clone(self)


def _cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """A copy on the GPU (the Tensor itself where it lies there)."""
    return array.to(self, as_device("cuda" if device is None else device))


def _cpu(self: Tensor) -> Tensor:
    """A copy on the CPU (the Tensor itself where it lies there)."""
    return array.to(self, "cpu")


def _new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """Memory of the given sizes, or the values of a list, an array or a Tensor, in this dtype: torch's old spelling."""
    return creation.legacy_tensor(Tensor, args, self._dtype, self.device if device is None else device)


def _get_device(self: Tensor) -> int:
    """The number of the GPU where it lies, -1 on the CPU."""
    return (self.device.index or 0) if self.is_cuda else -1


def _is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal."""
    return self._shape == other._shape


def _itself(self: Tensor, *_: Any) -> Tensor:
    """The Tensor itself: no memory is pinned here."""
    return self


def _no(self: Tensor, *_: Any) -> bool:
    """False."""
    return False


def _type(self: Tensor, dtype: Any = None) -> Any:
    """The name of the type, or the Tensor converted to another."""
    if dtype is None:
        return f"nbnn.{self._dtype.name}"
    if dtype is Tensor:  # the constructor of float32 among the old ones
        dtype = dtypes.float32
    elif isinstance(dtype, str):  # also "torch.FloatTensor", as old programs spell it
        dtype = getattr(typed, dtype.rpartition(".")[2], dtype)
    return array.to(self, dtypes.as_dtype(dtype.dtype if isinstance(dtype, typed.TensorType) else dtype, "type"))


def _converter(kind: dtypes.dtype) -> Any:
    def convert(self: Tensor) -> Tensor:
        return array.cast(self, kind)

    convert.__doc__ = f"Converted to {kind.name}."
    return convert


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
    "__pos__": rounding.positive,
    "__abs__": rounding.abs,
    "__pow__": power.pow,
    "__rpow__": _reflected(power.pow),
    "negative": array.neg,
    "__matmul__": matmul,
    "__rmatmul__": _reflected(matmul),
    "__eq__": _or_not(array.eq),
    "__ne__": _or_not(array.ne),
    "__lt__": array.lt,
    "__le__": array.le,
    "__gt__": array.gt,
    "__ge__": array.ge,
    "__floordiv__": division.floor_divide,
    "__rfloordiv__": _reflected(division.floor_divide),
    "__mod__": division.remainder,
    "__rmod__": _reflected(division.remainder),
    "__and__": logic.bitwise_and,
    "__rand__": _reflected(logic.bitwise_and),
    "__or__": logic.bitwise_or,
    "__ror__": _reflected(logic.bitwise_or),
    "__xor__": logic.bitwise_xor,
    "__rxor__": _reflected(logic.bitwise_xor),
    "__lshift__": logic.bitwise_left_shift,
    "__rlshift__": _reflected(logic.bitwise_left_shift),
    "__rshift__": logic.bitwise_right_shift,
    "__rrshift__": _reflected(logic.bitwise_right_shift),
    "__invert__": logic.bitwise_not,
    "__iadd__": inplace.add_,
    "__isub__": inplace.sub_,
    "__imul__": inplace.mul_,
    "__itruediv__": inplace.div_,
    "__ipow__": inplace.in_place(power.pow, "pow_"),
    "__getitem__": indexing.getitem,
    "__setitem__": inplace.setitem,
    "matmul": matmul,
    "view": shape.view_,
    **gathering.IN_PLACE,
    **arrangement.IN_PLACE,
    **scattering.IN_PLACE,
    "new": _new,
    "get_device": _get_device,
    "is_same_size": _is_same_size,
    "is_nonzero": Tensor.__bool__,
    "pin_memory": _itself,
    "is_pinned": _no,
    "bernoulli_": inplace.drawn(sampling.bernoulli_),
    "exponential_": inplace.drawn(sampling.exponential_),
    "random_": inplace.drawn(sampling.random_),
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
    "short": _converter(dtypes.int16),
    "char": _converter(dtypes.int8),
    "byte": _converter(dtypes.uint8),
    "bool": _converter(dtypes.bool_),
    "cfloat": _converter(dtypes.complex64),
    "cdouble": _converter(dtypes.complex128),
    "add_": inplace.add_,
    "sub_": inplace.sub_,
    "mul_": inplace.mul_,
    "div_": inplace.div_,
    "true_divide_": inplace.true_divide_,
    "clamp_": inplace.clamp_,
    "clip_": inplace.clip_,
    "where": _where,
    "copy_": inplace.copy_,
    "zero_": inplace.zero_,
    "fill_": inplace.set_all_,
    "uniform_": inplace.drawn(creation.uniform_),
    "normal_": inplace.drawn(creation.normal_),
}

_FROM_MODULES: dict[Any, tuple[str, ...]] = {
    array: (
        "add", "sub", "mul", "div", "neg", "sum", "mean", "eq", "ne", "lt", "le", "gt", "ge", "to", "clone",
    ),
    arithmetic: ("true_divide",),
    arrangement: (
        "adjoint", "as_strided", "diagflat", "fliplr", "flipud", "hsplit", "ravel", "renorm", "tensor_split", "vsplit",
    ),
    differences: ("corrcoef", "cov", "cross", "diff", "dist", "inner", "nanmean", "nansum", "trace"),
    decomposition: ("cholesky", "det", "slogdet"),
    eigen: ("inverse", "logdet", "matrix_power", "pinverse", "qr", "svd"),
    matrix_function: ("matrix_exp",),
    running: ("cummax", "cummin", "logcumsumexp", "mode"),
    scattering: ("index_put", "index_reduce", "masked_scatter", "put", "scatter_reduce"),
    special: (
        "acosh", "arccosh", "arcsinh", "arctanh", "asinh", "atanh", "deg2rad", "erfinv", "float_power", "hypot",
        "isneginf", "isposinf", "logaddexp", "logit", "nan_to_num", "rad2deg", "sinc", "xlogy",
    ),
    choice: ("clamp", "clamp_max", "clamp_min", "clip"),
    combination: ("addcdiv", "addcmul", "lerp"),
    complexes: ("angle", "conj"),
    comparison: ("allclose", "equal", "isclose", "maximum", "minimum"),
    division: ("floor_divide", "fmod", "remainder"),
    logic: (
        "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
        "logical_and", "logical_not", "logical_or", "logical_xor",
    ),
    product: ("addbmm", "addmm", "addmv", "baddbmm", "bmm", "dot", "mm", "mv", "outer"),
    shape: ("reshape", "flatten", "squeeze", "unsqueeze", "permute", "transpose", "t", "expand"),
    views: (
        "movedim", "moveaxis", "swapaxes", "unflatten", "broadcast_to", "expand_as", "view_as", "reshape_as", "select",
        "split", "chunk", "unbind", "diagonal", "unfold",
    ),
    rearrange: (
        "repeat", "tile", "repeat_interleave", "flip", "roll", "rot90", "tril", "triu", "diag", "diag_embed",
    ),
    extreme: ("amax", "amin", "aminmax", "argmax", "argmin", "max", "min"),
    indexing: ("narrow",),
    sampling: ("bernoulli", "multinomial"),
    gathering: (
        "gather", "scatter", "scatter_add", "take_along_dim", "take", "index_select", "index_add", "index_copy",
        "index_fill",
    ),
    masking: ("masked_fill", "masked_select", "nonzero"),
    activation: ("relu", "tanh", "sigmoid"),
    piecewise: ("hardshrink",),
    pointwise: (
        "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "erf", "erfc", "square", "reciprocal",
        "lgamma", "digamma",
    ),
    power: ("pow",),
    rounding: (
        "abs", "absolute", "sign", "floor", "ceil", "trunc", "fix", "frac", "round", "isnan", "isinf", "isfinite",
        "positive",
    ),
    trigonometry: (
        "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "arcsin", "arccos", "arctan", "arctan2",
    ),
    rectifier: ("prelu",),
    factory: ("new_empty", "new_full", "new_ones", "new_tensor", "new_zeros", "type_as"),
    softmax: ("softmax", "log_softmax"),
    ordering: ("argsort", "kthvalue", "median", "quantile", "sort", "topk", "unique", "unique_consecutive"),
    binning: ("bincount", "histc"),
    cumulative: ("cumprod", "cumsum"),
    statistics: ("all", "any", "count_nonzero", "logsumexp", "norm", "prod", "std", "var"),
}  # fmt: skip

_IN_PLACE_OPERATORS = {
    "__ifloordiv__": division.floor_divide,
    "__imod__": division.remainder,
    "__iand__": logic.bitwise_and,
    "__ior__": logic.bitwise_or,
    "__ixor__": logic.bitwise_xor,
    "__ilshift__": logic.bitwise_left_shift,
    "__irshift__": logic.bitwise_right_shift,
}

# What has a twin with an underscore, beyond those of `inplace` itself.
_IN_PLACE: dict[Any, tuple[str, ...]] = {
    array: ("neg",),
    activation: ("relu", "tanh", "sigmoid"),
    choice: ("clamp_max", "clamp_min"),
    combination: _FROM_MODULES[combination],
    comparison: ("eq", "ge", "gt", "le", "lt", "ne"),
    division: _FROM_MODULES[division],
    logic: _FROM_MODULES[logic],
    pointwise: _FROM_MODULES[pointwise],
    cumulative: ("cumprod", "cumsum"),
    power: ("pow",),
    product: ("addbmm", "addmm", "addmv", "baddbmm"),
    rearrange: ("tril", "triu"),
    rounding: ("abs", "absolute", "sign", "floor", "ceil", "trunc", "fix", "frac", "round"),
    special: (
        "acosh", "arccosh", "arcsinh", "arctanh", "asinh", "atanh", "deg2rad", "erfinv", "logit", "nan_to_num",
        "rad2deg", "sinc", "xlogy",
    ),
    trigonometry: _FROM_MODULES[trigonometry],
}  # fmt: skip

# Other names of methods, in-place ones among them.
_ALIASES = {
    "divide": "div",
    "divide_": "div_",
    "greater": "gt",
    "greater_": "gt_",
    "greater_equal": "ge",
    "greater_equal_": "ge_",
    "less": "lt",
    "less_": "lt_",
    "less_equal": "le",
    "less_equal_": "le_",
    "multiply": "mul",
    "multiply_": "mul_",
    "negative_": "neg_",
    "not_equal": "ne",
    "not_equal_": "ne_",
    "subtract": "sub",
    "subtract_": "sub_",
    "swapdims": "swapaxes",
    "swapdims_": "swapaxes_",
    "ger": "outer",
    "argwhere": "nonzero",
}


def attach() -> None:
    """Give Tensor its methods."""
    for name, function in _METHODS.items():
        setattr(Tensor, name, function)
    for module, names in _FROM_MODULES.items():
        for name in names:
            setattr(Tensor, name, getattr(module, name))
    for name, function in _IN_PLACE_OPERATORS.items():
        setattr(Tensor, name, inplace.in_place(function, name))
    for module, names in _IN_PLACE.items():
        for name in names:
            setattr(Tensor, f"{name}_", inplace.in_place(getattr(module, name), f"{name}_"))
    for name, other in _ALIASES.items():
        setattr(Tensor, name, getattr(Tensor, other))
    setattr(Tensor, "real", property(complexes.real))  # noqa: B010
    setattr(Tensor, "imag", property(complexes.imag))  # noqa: B010
    setattr(Tensor, "T", property(views.reversed_axes))  # noqa: B010
    setattr(Tensor, "mT", property(views.matrix_transpose))  # noqa: B010
    setattr(Tensor, "H", property(arrangement.adjoint))  # noqa: B010
    setattr(Tensor, "mH", property(arrangement.adjoint))  # noqa: B010
    setattr(Tensor, "is_cpu", property(lambda self: not self.is_cuda))  # noqa: B010
    for name in ("is_quantized", "is_mps", "is_xpu", "is_meta"):
        setattr(Tensor, name, False)


attach()
