"""The older spelling of constructors: one for each dtype, ``nbnn.FloatTensor(2, 3)``."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.functional.creation import legacy_tensor
from nbnn.tensor import Tensor


class TensorType:
    """A constructor of Tensors of one dtype on the CPU, which `isinstance` and ``Tensor.type`` take as a type.

    Parameters
    ----------
    name : str
        How it is spelled.
    dtype : dtype
        What it makes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.LongTensor([1, 2]), nbnn.FloatTensor(2, 3).shape
    (tensor([1, 2]), nbnn.Size([2, 3]))
    >>> isinstance(nbnn.zeros(1), nbnn.FloatTensor)
    True
    """

    def __init__(self, name: str, dtype: dtypes.dtype) -> None:
        self.__name__ = name
        self.dtype = dtype

    def __call__(self, *args: Any, device: Any = None) -> Tensor:
        """Memory of the given sizes, or the values of a list, an array or a Tensor."""
        return legacy_tensor(Tensor, args, self.dtype, device)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.dtype is self.dtype and value.device.type == "cpu"

    def __repr__(self) -> str:
        return f"<class 'nbnn.{self.__name__}'>"


DoubleTensor = TensorType("DoubleTensor", dtypes.float64)
FloatTensor = TensorType("FloatTensor", dtypes.float32)
HalfTensor = TensorType("HalfTensor", dtypes.float16)
BFloat16Tensor = TensorType("BFloat16Tensor", dtypes.bfloat16)
LongTensor = TensorType("LongTensor", dtypes.int64)
IntTensor = TensorType("IntTensor", dtypes.int32)
ShortTensor = TensorType("ShortTensor", dtypes.int16)
CharTensor = TensorType("CharTensor", dtypes.int8)
ByteTensor = TensorType("ByteTensor", dtypes.uint8)
BoolTensor = TensorType("BoolTensor", dtypes.bool_)
