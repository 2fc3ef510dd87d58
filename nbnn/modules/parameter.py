"""Buffers that say so themselves, and members of a module whose shape is not known yet."""

from __future__ import annotations

import copy
from typing import Any

from nbnn import device as _device
from nbnn.autograd import no_grad
from nbnn.device import as_device
from nbnn.dtypes import as_dtype, get_default_dtype
from nbnn.dtypes import dtype as _dtype_class
from nbnn.functional import array as A
from nbnn.tensor import Parameter, Tensor, alias


class Buffer(Tensor):
    """A Tensor that a Module keeps as part of its state when it is assigned as an attribute.

    The same as ``register_buffer(name, tensor, persistent)``.

    Parameters
    ----------
    data : Tensor or array, optional
        Its values; memory is shared with a Tensor.
    persistent : bool
        Whether the state_dict holds it.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(nbnn.zeros(2))
    >>> list(module.state_dict())
    ['mean']
    """

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Buffer:
        made = alias(A.as_tensor([] if data is None else data), cls=cls)
        made.persistent = persistent  # type: ignore[attr-defined]
        return made  # type: ignore[return-value]

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        twin = super().__deepcopy__(memo)
        twin.persistent = self.persistent  # type: ignore[attr-defined]
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (*super().__reduce_ex__(protocol), {"persistent": self.persistent})


class _Uninitialized(Tensor):  # a Tensor: Python lets an object change its class only among one layout
    """What stands for a Tensor until its shape is known: a type, a place, and nothing else."""

    _becomes: type
    _dtype: Any
    _where: Any

    def _settle(self, requires_grad: bool, device: Any, dtype: Any) -> None:
        self._dtype = get_default_dtype() if dtype is None else as_dtype(dtype, type(self).__name__)
        self._where = as_device("cpu" if device is None else device)
        self._version = [0]
        if requires_grad:
            self.requires_grad_()  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        if name in ("_data", "_shape"):
            raise RuntimeError(
                f"{type(self).__name__}: it has no shape and no values yet; call the module it belongs to with an "
                "input, load a state_dict, or call materialize(shape)"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def device(self) -> _device.device:
        return self._where

    @property
    def is_cuda(self) -> bool:
        return self._where.type == "cuda"

    @property
    def data(self) -> Any:
        return self

    @data.setter
    def data(self, value: Any) -> None:
        if value is not self:
            self.materialize(value.shape, value.device, value.dtype)  # type: ignore[attr-defined]
            self.data = value

    def detach(self) -> Any:
        """Itself: there is no memory to share."""
        return self

    def to(self, *args: Any, device: Any = None, dtype: Any = None, copy: bool = False, **_: Any) -> Any:
        """Itself, to be made there and of that type."""
        for value in args:
            device, dtype = (device, value) if isinstance(value, _dtype_class) else (value, dtype)
        self._where = self._where if device is None else as_device(device)
        self._dtype = self._dtype if dtype is None else as_dtype(dtype, type(self).__name__)
        return self

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become, in place, an ordinary member of this shape; its values are undefined.

        Parameters
        ----------
        shape : tuple of int
        device : device, optional
            By default the one it was made for.
        dtype : dtype, optional
            By default the one it was made for.

        Raises
        ------
        TypeError, ValueError
            If `shape` does not hold sizes.
        """
        made = A.empty(tuple(shape), dtype=dtype or self._dtype, device=device or self._where)
        self.__class__ = self._becomes
        del self._where
        with no_grad():
            self.data = made

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = object.__new__(type(self))
        twin.__dict__.update({key: copy.copy(value) for key, value in self.__dict__.items()})
        memo[id(self)] = twin
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return object.__new__, (type(self),), dict(self.__dict__)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A Parameter whose shape is not known yet: what a lazy Module has until it sees its first input.

    It has a type and a device and may be moved and cast; what needs a shape or values is refused.

    Parameters
    ----------
    requires_grad : bool
        Whether it will be trained.
    device : device, optional
        Where it will lie.
    dtype : dtype, optional
        Its type.

    Raises
    ------
    RuntimeError
        On using it before `materialize`.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> weight = nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, weight.shape
    ('Parameter', nbnn.Size([2, 3]))
    """

    _becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        made = object.__new__(cls)
        made._settle(requires_grad, device, dtype)
        return made


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape is not known yet; as `UninitializedParameter`.

    Parameters
    ----------
    requires_grad : bool
        Whether it wants a gradient.
    device : device, optional
        Where it will lie.
    dtype : dtype, optional
        Its type.
    persistent : bool
        Whether the state_dict holds it, when it is assigned as an attribute.

    Raises
    ------
    RuntimeError
        On using it before `materialize`.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.UninitializedBuffer()
    <UninitializedBuffer>
    """

    _becomes = Tensor
    persistent: bool

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        made = object.__new__(cls)
        made.persistent = persistent
        made._settle(requires_grad, device, dtype)
        return made


def is_lazy(value: Any) -> bool:
    """Whether a member of a module has no shape yet."""
    return isinstance(value, _Uninitialized)
