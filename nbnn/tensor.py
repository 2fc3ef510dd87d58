"""Tensor: a shape and strides over a storage, and its place in the autograd graph.

What Tensors can compute (`x + y`, `x.sum()`, ...) is attached by `nbnn.functional`; here is only what they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn._layout import row_major
from nbnn._surface import Surface
from nbnn.dtypes import dtype as _dtype_class

if TYPE_CHECKING:
    from nbnn.autograd import Node

_new = object.__new__


class Size(tuple):
    """The shape of a Tensor: a tuple of ints that can count its elements.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.Size([2, 3]).numel()
    6
    """

    def numel(self) -> int:
        """The product of the sizes."""
        return math.prod(self)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return Size(part) if isinstance(key, slice) else part

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(other)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return Size(super().__mul__(times))

    def __repr__(self) -> str:
        return f"nbnn.Size({list(self)})"


class Tensor(Surface):
    """An n-dimensional array on a device, with gradients.

    ``Tensor(2, 3)`` is uninitialised float32 memory of that shape and ``Tensor([[1, 2]])`` has these values in float32;
    `nbnn.tensor` keeps the type of its data and is what most programs want.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([[1.0, -2.0], [3.0, 4.0]], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([[ 2., -4.],
            [ 6.,  8.]])
    """

    # Defaults of the fields that most Tensors never set, kept on the class: making a Tensor sets only four.
    _strides: tuple[int, ...] | None = None  # None: the whole storage, row-major
    _offset: int = 0
    _base: Tensor | None = None  # the Tensor this one is a view of
    _generation: int = 0  # of a base: how often its history was rewritten; of a view: the base's when its node was made
    _node: Node | None = None
    _slot: int = 0
    _leaf_requires_grad: bool = False
    _grad: Tensor | None = None
    _hooks: dict[int, Callable] | None = None
    _retains_grad: bool = False
    is_sparse: bool = False

    _data: Any
    _shape: tuple[int, ...]
    _dtype: _dtype_class
    _version: list[int]

    __array_priority__ = 1000  # NumPy's binary operators defer to ours
    __hash__ = object.__hash__

    def __new__(cls, *args: Any, dtype: Any = None, device: Any = None) -> Tensor:
        from nbnn.functional import creation

        return creation.legacy_tensor(cls, args, dtype, device)

    # -- what it is ---------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._shape)

    @property
    def dtype(self) -> _dtype_class:
        return self._dtype

    @property
    def device(self) -> _device.device:
        return _device.of(self._data)

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def itemsize(self) -> int:
        return self._dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.numel() * self._dtype.itemsize

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one axis."""
        return Size(self._shape) if dim is None else self._shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self._shape)

    nelement = numel

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self._dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self._dtype.is_complex

    def stride(self, dim: int | None = None) -> Any:
        """How many elements to step along each axis, or along one."""
        strides = row_major(self._shape) if self._strides is None else self._strides
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        """Where in the storage the first element lies."""
        return self._offset

    def is_contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return self._strides is None or _layout.is_row_major(self._shape, self._strides)

    def data_ptr(self) -> int:
        """The address of the first element."""
        return _device.address(self._data) + self._offset * self._dtype.itemsize

    # -- autograd fields ----------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        return self._leaf_requires_grad or self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Say whether gradients are wanted for this leaf; returns the Tensor.

        Raises
        ------
        RuntimeError
            If it is the result of a differentiable operation, or not of a floating-point type.
        """
        if self._node is not None:
            if requires_grad:
                return self
            raise RuntimeError(
                f"requires_grad_: `requires_grad` (={requires_grad}) can only be changed on leaf Tensors; "
                f"this one was computed by {self._node.name}; use .detach()"
            )
        if requires_grad and not self._dtype.is_differentiable:
            raise RuntimeError(
                f"requires_grad_: only floating-point and complex Tensors have gradients; got dtype {self._dtype!r}"
            )
        self._leaf_requires_grad = bool(requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:
        return self._node is None

    @property
    def grad_fn(self) -> Node | None:
        return self._node

    @property
    def grad(self) -> Tensor | None:
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor) and not getattr(value, "is_sparse", False):
                raise TypeError(f"grad: must be a Tensor or None; got {type(value).__name__}")
            if value._shape != self._shape or value._dtype is not self._dtype:
                raise RuntimeError(
                    f"grad: must have the Tensor's shape {self._shape} and dtype {self._dtype!r}; "
                    f"got {value._shape}, {value._dtype!r}"
                )
        self._grad = value

    @property
    def data(self) -> Tensor:
        """The same memory without history; changes through it are not noticed by autograd."""
        return alias(self, version=[0])

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data: must be a Tensor; got {type(value).__name__}")
        for name in ("_data", "_shape", "_strides", "_offset", "_dtype"):
            setattr(self, name, getattr(value, name))

    def detach(self) -> Tensor:
        """The same memory as a Tensor outside the graph."""
        return alias(self)

    def detach_(self) -> Tensor:
        """Leave the graph in place: this Tensor becomes a leaf without gradient."""
        self._node, self._slot, self._leaf_requires_grad = None, 0, False
        return self

    def to_dense(self) -> Tensor:
        """Itself, which is dense: also a `SparseTensor` has this method."""
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this intermediate result in `.grad` during backward."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: this Tensor does not require a gradient")
        if self._node is not None and not self._retains_grad:
            self._retains_grad = True
            self._node.retain(self._slot, self)

    @property
    def retains_grad(self) -> bool:
        return self._retains_grad

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Call ``hook(grad)`` when the gradient of this Tensor is known; a Tensor that it returns replaces it.

        Returns
        -------
        handle
            Its ``remove()`` takes the hook off again.
        """
        from nbnn.autograd import HookHandle

        if not self.requires_grad:
            raise RuntimeError("register_hook: this Tensor does not require a gradient")
        if self._node is not None:
            hooks = self._node.hooks_of(self._slot)
        else:
            hooks = self._hooks = {} if self._hooks is None else self._hooks
        return HookHandle(hooks, hook)

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Accumulate the gradients of this Tensor into the `.grad` of the leaves it was computed from.

        Parameters
        ----------
        gradient : Tensor, optional
            The gradient with respect to this Tensor, of its shape; may be left out for a single element.
        retain_graph : bool, optional
            Keep what the graph saved, so that backward can run again; the default is `create_graph`.
        create_graph : bool
            Record the computation of the gradients, so that they can be differentiated.
        inputs : sequence of Tensor, optional
            Accumulate into these Tensors only.

        Raises
        ------
        RuntimeError
            If no gradient is required, `gradient` is missing or of another shape, the graph was freed by an earlier
            backward, or a saved Tensor was changed in place.
        """
        from nbnn import autograd

        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    # -- leaving for other libraries ----------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The values as a NumPy array that shares memory with this Tensor.

        Parameters
        ----------
        force : bool
            Detach, and copy from CUDA, instead of refusing.

        Raises
        ------
        RuntimeError
            If the Tensor requires a gradient.
        TypeError
            If it lies on CUDA or is of type bfloat16, which NumPy lacks.
        """
        if not force and self.requires_grad:
            raise RuntimeError("numpy: this Tensor requires a gradient; call .detach().numpy()")
        if not force and self.is_cuda:
            raise TypeError(f"numpy: this Tensor lies on {self.device}; call .cpu() first")
        if self._dtype.numpy is None:
            raise TypeError(f"numpy: NumPy has no {self._dtype!r}; call .float() first")
        return host_view(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self.numpy()
        if dtype is not None and np.dtype(dtype) != values.dtype:
            if copy is False:
                raise ValueError(f"__array__: dtype {np.dtype(dtype)} needs a copy of a {self._dtype!r} Tensor")
            return values.astype(dtype)
        return values.copy() if copy else values

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.requires_grad:
            raise BufferError("__dlpack__: this Tensor requires a gradient; use .detach()")
        if self.is_cuda:
            raise BufferError("__dlpack__: CUDA memory is shared through __cuda_array_interface__")
        return self.numpy().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0) if self.is_cuda else (1, 0)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if not self.is_cuda:
            raise AttributeError(f"__cuda_array_interface__: this Tensor lies on {self.device}")
        interface = dict(self._data.__cuda_array_interface__)
        address, read_only = interface["data"]
        size = self._dtype.itemsize
        interface["shape"] = self._shape
        interface["typestr"] = (self._dtype.numpy or self._dtype.storage).str
        interface["strides"] = tuple(s * size for s in self.stride())
        interface["data"] = (address + self._offset * size, read_only)
        return interface

    def item(self) -> Any:
        """The value of a single-element Tensor as a Python number.

        Raises
        ------
        RuntimeError
            If it has more or fewer elements than one.
        """
        data = self._data
        if self._strides is None and type(data) is np.ndarray and data.size == 1 and not self._dtype.is_half:
            return data.item()
        if self.numel() != 1:
            raise RuntimeError(f"item: needs a Tensor of one element; got shape {self._shape}")
        return self._host_values().reshape(-1)[0].item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers (a number for a 0-d Tensor)."""
        return self._host_values().tolist()

    def _host_values(self) -> np.ndarray:
        """The values in a type that NumPy has."""
        values = host_view(self)
        return values if self._dtype.numpy is not None else (values.astype(np.uint32) << 16).view(np.float32)

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._dtype.is_differentiable:
            raise TypeError(f"__index__: only an integer Tensor can be an index; got dtype {self._dtype!r}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise RuntimeError(f"__bool__: the truth of a Tensor of shape {self._shape} is ambiguous")
        return bool(self.item())

    def __format__(self, spec: str) -> str:
        if not self._shape or (spec and self.numel() == 1):
            return format(self.item(), spec)
        return format(repr(self), spec)

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("__len__: a 0-d Tensor has no length")
        return self._shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._shape:
            raise TypeError("__iter__: a 0-d Tensor cannot be iterated over")
        return (self[i] for i in range(self._shape[0]))

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._node is not None:
            raise RuntimeError("deepcopy: only leaf Tensors can be copied deeply; use .detach() or .clone()")
        twin = alias(self, cls=type(self), version=[0])
        data = flat(self)
        twin._data = _device.from_host(np.array(_device.to_host(data)), self.device)
        twin._strides, twin._offset = None, 0
        twin._leaf_requires_grad = self._leaf_requires_grad
        memo[id(self)] = twin
        if self._grad is not None:
            twin._grad = self._grad.__deepcopy__(memo)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        bits = np.array(_device.to_host(flat(self)))
        return _rebuild, (type(self), bits, self._shape, self._dtype, self._leaf_requires_grad)

    def __repr__(self) -> str:
        from nbnn import _format

        return _format.text(self)

    def _repr_html_(self) -> str:
        from nbnn import _format

        return _format.html(self)


class Parameter(Tensor):
    """A Tensor that a Module owns and an optimizer changes: assigned to a Module, it is found by `parameters()`.

    Parameters
    ----------
    data : Tensor or array, optional
        Its values; memory is shared with a Tensor.
    requires_grad : bool
        Whether it is trained.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.Parameter(nbnn.zeros(2)).requires_grad
    True
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        from nbnn.functional import creation

        source = creation.as_tensor([] if data is None else data)
        made = alias(source, cls=cls)
        if requires_grad:
            made.requires_grad_()
        return made  # type: ignore[return-value]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


def make(data: Any, shape: tuple[int, ...], dtype: _dtype_class) -> Tensor:
    """A Tensor over the whole of a fresh storage."""
    t = _new(Tensor)
    t._data = data
    t._shape = shape
    t._dtype = dtype
    t._version = [0]
    return t


def view(base: Tensor, shape: tuple[int, ...], strides: tuple[int, ...] | None, offset: int) -> Tensor:
    """A Tensor over the same storage as `base`, seen with another shape."""
    t = _new(Tensor)
    t._data = base._data
    t._shape = shape
    t._dtype = base._dtype
    t._version = base._version
    t._strides = strides
    t._offset = offset
    t._base = base if base._base is None else base._base
    t._generation = t._base._generation
    return t


def alias(t: Tensor, cls: type = Tensor, version: list[int] | None = None) -> Tensor:
    """The same memory seen as another Tensor without history; it shares the version counter unless given one."""
    twin: Tensor = _new(cls)
    twin._data = t._data
    twin._shape = t._shape
    twin._dtype = t._dtype
    twin._version = t._version if version is None else version
    if t._strides is not None:
        twin._strides = t._strides
        twin._offset = t._offset
    return twin


def flat(t: Tensor) -> Any:
    """The elements of `t` in row-major order as a one-dimensional storage: its own memory where that is contiguous."""
    if t._strides is None:
        return t._data
    n = math.prod(t._shape)
    if t.is_contiguous():
        return t._data[t._offset : t._offset + n]
    out = _device.empty(n, t._dtype.storage, t.device)
    _layout.copy(t._shape, out, row_major(t._shape), 0, t._data, t._strides, t._offset)
    return out


def store(t: Tensor, values: Any) -> None:
    """Write a flat storage of values, in row-major order, into the memory that `t` sees."""
    steps = row_major(t._shape)
    _layout.copy(t._shape, t._data, t._strides or steps, t._offset, values, steps, 0)


def transfer(t: Tensor, x: Tensor) -> None:
    """Write the elements of `x`, of the shape and type of `t`, into the memory that `t` sees."""
    _layout.copy(t._shape, t._data, t.stride(), t._offset, x._data, x.stride(), x._offset)


def host_view(t: Tensor) -> np.ndarray:
    """The elements as a NumPy array: a view of the memory on the CPU, a copy of it on CUDA."""
    kind = t._dtype.numpy or t._dtype.storage
    data = t._data if isinstance(t._data, np.ndarray) else _device.to_host(t._data)
    if t._strides is None:
        return data.view(kind).reshape(t._shape)
    size = t._dtype.itemsize
    if 0 in t._shape:
        return np.empty(t._shape, kind)
    return np.ndarray(t._shape, kind, data, t._offset * size, tuple(s * size for s in t._strides))


def from_array(array: np.ndarray, op: str = "from_numpy") -> Tensor:
    """A Tensor that shares the memory of a NumPy array, or has a copy where Numba could not use it as it is."""
    kind = dtypes.as_dtype(array.dtype, op)
    if not (array.flags.writeable and array.flags.aligned and array.dtype.isnative):
        array = np.array(array, kind.numpy)
    if kind.is_half:
        array = array.view(np.uint16)
    if array.flags.c_contiguous:
        return make(array.reshape(-1), array.shape, kind)
    size = array.itemsize
    if any(s % size or s < 0 for s in array.strides):
        return make(np.ascontiguousarray(array).reshape(-1), array.shape, kind)
    if array.size == 0:
        return make(np.empty(0, array.dtype), array.shape, kind)
    strides = tuple(s // size for s in array.strides)
    span = 1 + sum((n - 1) * s for n, s in zip(array.shape, strides, strict=True))
    t = make(np.lib.stride_tricks.as_strided(array, (span,), (size,)), array.shape, kind)
    t._strides = strides
    return t


def _rebuild(cls: type, bits: np.ndarray, shape: tuple[int, ...], dtype: _dtype_class, requires_grad: bool) -> Tensor:
    t = alias(make(bits, shape, dtype), cls=cls)
    t._leaf_requires_grad = requires_grad
    return t
