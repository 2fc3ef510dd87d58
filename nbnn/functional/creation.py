"""New Tensors: from data, of a constant, of a range, of random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.device import as_device
from nbnn.dtypes import as_dtype, get_default_dtype
from nbnn.functional import _check
from nbnn.functional.pairs import part, view_as_real
from nbnn.generator import Generator, default_generator
from nbnn.kernels import _random
from nbnn.kernels import array as K
from nbnn.tensor import Tensor, alias, flat, from_array, make, store, transfer, view


def _place(data: np.ndarray, shape: tuple[int, ...], kind: dtypes.dtype, device: Any, requires_grad: bool) -> Tensor:
    out = make(_device.from_host(data, as_device(device)), shape, kind)
    return out.requires_grad_() if requires_grad else out


def _host_array(op: str, data: Any, dtype: Any) -> tuple[np.ndarray, dtypes.dtype]:
    """Any nested data as a contiguous NumPy array of its own, in storage form, and its dtype."""
    if isinstance(data, (list, tuple)):
        data = _plain(data)
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"{op}: `data` must be a number, an array or evenly nested lists; {error}") from None
    if values.dtype == object or values.dtype.kind in "USOmM":
        raise TypeError(f"{op}: `data` must hold numbers; got {type(data).__name__} of dtype {values.dtype}")
    if dtype is not None:
        kind = as_dtype(dtype, op)
    elif values.dtype.char in "dD" and not hasattr(data, "__array__"):  # those of other libraries keep their type
        kind = dtypes.of_number(values.dtype.type(0).item())
    else:
        kind = as_dtype(values.dtype, op)
    if values.dtype.kind == "c" and not kind.is_complex:
        raise TypeError(f"{op}: `data` holds complex numbers, which `dtype` (={kind!r}) cannot; take their real parts")
    if kind is dtypes.bfloat16:
        bits = np.array(values, np.float32).reshape(-1).view(np.uint32)
        out = make(np.empty(bits.size, np.uint16), values.shape, kind)
        _device.launch(K.float_to_bfloat, (out._data,), (bits,), (), bits.size)
        return out._data, kind
    return np.array(values, kind.numpy, order="C").reshape(-1).view(kind.storage), kind


def _plain(data: Any) -> Any:
    """Nested sequences with the Tensors in them as lists."""
    if isinstance(data, Tensor):
        return data.tolist()
    return [_plain(d) for d in data] if isinstance(data, (list, tuple)) else data


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new Tensor with a copy of `data`.

    Parameters
    ----------
    data : number, nested list, NumPy array or Tensor
    dtype : dtype, optional
        By default that of an array; for Python numbers int64, bool, or the default floating type.
    device : str or device, optional
    requires_grad : bool

    Raises
    ------
    TypeError
        If `data` holds anything but numbers.
    ValueError
        If lists are unevenly nested.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, Tensor):
        out = data.detach().to(device=device, dtype=dtype, copy=True)
        return out.requires_grad_() if requires_grad else out
    values, kind = _host_array("tensor", data, dtype)
    return _place(values, np.shape(_plain(data)), kind, device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a Tensor, sharing memory with a NumPy array or Tensor where type and device allow it.

    Examples
    --------
    >>> import nbnn, numpy
    >>> a = numpy.zeros(2, numpy.float32)
    >>> t = nbnn.as_tensor(a)
    >>> a[0] = 1
    >>> t
    tensor([1., 0.])
    """
    if isinstance(data, np.ndarray):
        data = from_array(data, "as_tensor")
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A Tensor that shares the memory of a NumPy array.

    A read-only, misaligned, byte-swapped or reversed array is copied.

    Raises
    ------
    TypeError
        If it is not an array, or of a type that nbnn lacks.

    Examples
    --------
    >>> import nbnn, numpy
    >>> nbnn.from_numpy(numpy.arange(3.0))
    tensor([0., 1., 2.], dtype=nbnn.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: `ndarray` must be a NumPy array; got {type(ndarray).__name__}")
    return from_array(ndarray)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A Tensor that shares the memory of another library's host array (anything with ``__dlpack__``).

    Examples
    --------
    >>> import nbnn, numpy
    >>> nbnn.from_dlpack(numpy.arange(3))
    tensor([0, 1, 2])
    """
    return from_array(np.from_dlpack(ext_tensor))


def legacy_tensor(cls: type, args: tuple, dtype: Any, device: Any) -> Tensor:
    """What ``Tensor(...)`` makes: memory of given sizes, or float values copied from data."""
    kind = get_default_dtype() if dtype is None else as_dtype(dtype, "Tensor")
    if len(args) == 1 and not isinstance(args[0], int):
        made = tensor(args[0], dtype=kind, device=device)
    else:
        made = empty(*(args or (0,)), dtype=kind, device=device)
    return made if cls is Tensor else alias(made, cls=cls)


def _shape(op: str, size: tuple, named: Any = None) -> tuple[int, ...]:
    """The shape given by sizes, by one sequence of them or, as ``size=``, by name."""
    if named is not None:
        if size:
            raise TypeError(f"{op}: `size` must be given once; got {size} and size={named}")
        size = tuple(named) if isinstance(named, (tuple, list)) else (named,)
    return _check.sizes(op, "size", size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory of the given shape.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.empty(2, 3).shape
    nbnn.Size([2, 3])
    """
    shape = _shape("empty", sizes, size)
    kind = get_default_dtype() if dtype is None else as_dtype(dtype, "empty")
    out = make(_device.empty(math.prod(shape), kind.storage, as_device(device)), shape, kind)
    return out.requires_grad_() if requires_grad else out


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor whose elements all are `fill_value`.

    Parameters
    ----------
    size : int or sequence of int
    fill_value : number
        Its type is that of the result where `dtype` is not given.
    dtype : dtype, optional
    device : str or device, optional
    requires_grad : bool

    Examples
    --------
    >>> import nbnn
    >>> nbnn.full((2,), 7)
    tensor([7, 7])
    """
    value = fill_value.item() if isinstance(fill_value, (Tensor, np.generic)) else fill_value
    if not isinstance(value, (bool, int, float, complex)):
        raise TypeError(f"full: `fill_value` (={fill_value!r}) must be a number; got {type(fill_value).__name__}")
    if dtype is None:
        dtype = dtypes.of_number(value)
    out = empty(size if isinstance(size, (tuple, list)) else (size,), dtype=dtype, device=device)
    fill_(out, value)
    return out.requires_grad_() if requires_grad else out


LARGEST = {dtypes.float16: 65504.0, dtypes.bfloat16: 3.3895313892515355e38, dtypes.float32: 3.4028234663852886e38}


def stored(op: str, number: Any, kind: dtypes.dtype) -> Any:
    """A Python number as a storage of this type holds it.

    Raises
    ------
    ValueError
        If it is beyond the numbers of the type; a small negative int counts from the top of uint8.
    """
    if kind is dtypes.bool_:
        return bool(number)
    if kind.is_complex:
        return complex(number)
    if isinstance(number, complex):
        raise TypeError(f"{op}: `value` (={number}) cannot be kept in {kind!r}")
    if kind.is_floating_point:
        value = float(number)
        fits = not LARGEST.get(kind, math.inf) < abs(value) < math.inf
    else:
        ends = np.iinfo(kind.storage)
        lowest = -int(ends.max) if kind is dtypes.uint8 and not isinstance(number, float) else int(ends.min)
        fits = lowest <= number <= int(ends.max)
    if not fits:
        raise ValueError(f"{op}: the number {number} does not fit in {kind!r}")
    if kind.is_half:
        return int(tensor(value, dtype=kind)._data[0])
    return value if kind.is_floating_point else int(number) % 256 if kind is dtypes.uint8 else int(number)


def fill_(input: Tensor, value: Any) -> Tensor:
    """Set every element of `input`, in place and outside the graph."""
    value = stored("fill_", value, input._dtype)
    if input.is_contiguous():
        _device.launch(K.fill, (flat(input),), (), (value,), input.numel())
    else:
        one = _device.full(1, input._dtype.storage, input.device, value)
        transfer(input, view(make(one, (1,), input._dtype), input._shape, (0,) * input.dim(), 0))
    input._version[0] += 1
    return input


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor of zeros.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    out = fill_(empty(*sizes, size=size, dtype=dtype, device=device), 0)
    return out.requires_grad_() if requires_grad else out


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor of ones.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(3)
    tensor([1., 1., 1.])
    """
    out = fill_(empty(*sizes, size=size, dtype=dtype, device=device), 1)
    return out.requires_grad_() if requires_grad else out


def _like(op: str, input: Tensor, dtype: Any, device: Any) -> Tensor:
    _check.tensor(op, "input", input)
    where = input.device if device is None else device
    return empty(input._shape, dtype=input._dtype if dtype is None else dtype, device=where)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory with the shape, dtype and device of `input`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.empty_like(nbnn.ones(2)).shape
    nbnn.Size([2])
    """
    return _like("empty_like", input, dtype, device).requires_grad_(requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros with the shape, dtype and device of `input`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros_like(nbnn.ones(2))
    tensor([0., 0.])
    """
    return fill_(_like("zeros_like", input, dtype, device), 0).requires_grad_(requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones with the shape, dtype and device of `input`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones_like(nbnn.zeros(2))
    tensor([1., 1.])
    """
    return fill_(_like("ones_like", input, dtype, device), 1).requires_grad_(requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number everywhere, with the shape, dtype and device of `input`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.full_like(nbnn.zeros(2), 7)
    tensor([7., 7.])
    """
    where = _like("full_like", input, dtype, device)
    return full(where._shape, fill_value, dtype=where._dtype, device=where.device).requires_grad_(requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The numbers start, start + step, ... below `end` (above it for a negative step).

    Parameters
    ----------
    start, end, step : number
        One alone is `end`.
    dtype : dtype, optional
        int64 for ints, else the default floating-point type.
    device : str or device, optional
    requires_grad : bool

    Raises
    ------
    ValueError
        If `step` is zero or leads away from `end`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.arange(4)
    tensor([0, 1, 2, 3])
    """
    if end is None:
        start, end = 0, start
    start, end, step = _ends(("start", start), ("end", end), ("step", step))
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: `step` (={step}) must lead from `start` (={start}) to `end` (={end})")
    if dtype is None:
        kind = get_default_dtype() if any(isinstance(v, float) for v in (start, end, step)) else dtypes.int64
    else:
        kind = as_dtype(dtype, "arange")
    n = math.ceil((end - start) / step)
    if not kind.is_floating_point:  # counted without the fractions of start and step, and int64 without that of end
        start, end, step = int(start), int(end), int(step)
    if kind is dtypes.int64:
        if step == 0:
            raise ValueError("arange: `step` must be at least 1 in size for integers")
        n = max(0, -((start - end) // step))
    wide = empty(n, dtype=dtypes.float32 if kind.is_half else kind, device=device)
    _device.launch(K.arange, (wide._data,), (), (start, step), n)
    out = wide.to(kind)
    return out.requires_grad_() if requires_grad else out


def _ends(*given: tuple[str, Any]) -> tuple[Any, ...]:
    """The arguments of `arange` as finite Python numbers."""
    numbers = []
    for name, value in given:
        number = value.item() if isinstance(value, (Tensor, np.generic)) else value
        if not math.isfinite(_check.number("arange", name, number)):
            raise ValueError(f"arange: `{name}` (={value}) must be finite")
        numbers.append(int(number) if isinstance(number, bool) else number)
    return tuple(numbers)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The n x m matrix with ones on its diagonal.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype, "eye")
    sizes = [_check.integer("eye", name, v, 0) for name, v in (("n", n), ("m", n if m is None else m))]
    wide = empty(sizes, dtype=dtypes.float32 if kind.is_half else kind, device=device)
    _device.launch(K.eye, (wide._data,), (), (sizes[1],), wide.numel())
    out = wide.to(kind)
    return out.requires_grad_() if requires_grad else out


# -- random numbers ------------------------------------------------------------------------------------------------


_SMALL = 1 << 15  # elements up to which the bodies are worth their second: 12 ns each, where the fast paths take 0.5


def _source(op: str, generator: Any) -> Generator:
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"{op}: `generator` must be a Generator; got {type(generator).__name__}")
    return generator


def _random_fill(op: str, t: Tensor, kernels: dict, params: tuple, generator: Generator | None) -> Tensor:
    """Fill `t` with a draw; element i of it depends on the generator's seed and counter and on i alone."""
    if t._dtype.is_half:
        wide = empty(t._shape, dtype=dtypes.float32, device=t.device)
        _random_fill(op, wide, kernels, params, generator)
        store(t, wide.to(t._dtype)._data)
        t._version[0] += 1
        return t
    if t._dtype.is_complex:
        _random_fill(op, view_as_real(t.detach()), kernels, params, generator)
        return t
    if not t._dtype.is_floating_point:
        raise TypeError(f"{op}: needs a floating-point Tensor; got {t._dtype!r}")
    source = _source(op, generator)
    kernel, fast = kernels[t._dtype]
    n = t.numel()
    target = t._data if t._strides is None else _device.empty(n, t._dtype.storage, t.device)
    params = (*params, source.initial_seed(), source.next_offset(1))
    _device.launch(kernel, (target,), (), params, n, 32, fast if n > _SMALL else None)
    if t._strides is not None:
        store(t, target)
    t._version[0] += 1
    return t


def uniform_(input: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill `input` in place with numbers uniform in [a, b).

    Raises
    ------
    ValueError
        If a > b.
    """
    if not a <= b:
        raise ValueError(f"uniform_: `a` (={a}) must be at most `b` (={b})")
    kernels = {
        dtypes.float32: (_random.fill_uniform32, _random.fill_uniform32_fast),
        dtypes.float64: (_random.fill_uniform64, _random.fill_uniform64_fast),
    }
    return _random_fill("uniform_", input, kernels, (float(a), float(b)), generator)


def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill `input` in place with normal numbers of the given mean and standard deviation.

    Of complex numbers the parts are independent, and each has half of the variance.

    Raises
    ------
    ValueError
        If `std` is negative.
    """
    if not std >= 0:
        raise ValueError(f"normal_: `std` (={std}) must be at least 0")
    kernels = {
        dtypes.float32: (_random.fill_normal32, _random.fill_normal32_fast),
        dtypes.float64: (_random.fill_normal64, _random.fill_normal64_fast),
    }
    if input._dtype.is_complex:
        _random_fill("normal_", input, kernels, (0.0, float(std) / math.sqrt(2.0)), generator)
        real = part(input.detach(), 0)
        transfer(real, real + float(mean))
        return input
    return _random_fill("normal_", input, kernels, (float(mean), float(std)), generator)


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers uniform in [0, 1).

    Examples
    --------
    >>> import nbnn
    >>> _ = nbnn.manual_seed(0)
    >>> bool((nbnn.rand(100) < 1).all())
    True
    """
    out = empty(*sizes, size=size, dtype=dtype, device=device)
    return uniform_(out, generator=generator).requires_grad_(requires_grad)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.randn(2, 3).shape
    nbnn.Size([2, 3])
    """
    out = empty(*sizes, size=size, dtype=dtype, device=device)
    return normal_(out, generator=generator).requires_grad_(requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniform in [low, high); without `high`, in [0, low).

    Raises
    ------
    ValueError
        If the range is empty, or `dtype` has not all of it.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.randint(0, 10, (2, 3)).shape
    nbnn.Size([2, 3])
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not low < high:
        raise ValueError(f"randint: `low` (={low}) must be less than `high` (={high})")
    kind = dtypes.int64 if dtype is None else as_dtype(dtype, "randint")
    in_range("randint", low, high, kind)
    source = _source("randint", generator)
    out = empty(size, dtype=dtypes.int64, device=device)
    params = (int(low), int(high), source.initial_seed(), source.next_offset(1))
    _device.launch(_random.fill_randint, (out._data,), (), params, out.numel(), 32)
    out = out.to(kind)
    return out.requires_grad_() if requires_grad else out


def in_range(op: str, low: Any, high: Any, kind: dtypes.dtype) -> None:
    """The integers in [low, high) must be numbers of a type that holds integers alone."""
    if not kind.is_floating_point:
        ends = (0, 1) if kind is dtypes.bool_ else (np.iinfo(kind.storage).min, np.iinfo(kind.storage).max)
        if not ends[0] <= low < high <= int(ends[1]) + 1:
            raise ValueError(f"{op}: `low` (={low}) and `high` (={high}) must be within the numbers of {kind!r}")


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A random order of the integers below n.

    Examples
    --------
    >>> import nbnn
    >>> sorted(nbnn.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    source = _source("randperm", generator)
    count = _check.integer("randperm", "n", n, 0)
    bits = np.random.Philox(key=[source.initial_seed(), source.next_offset(1)])
    order = np.random.Generator(bits).permutation(count).astype(np.int64)
    out = _place(order, (count,), dtypes.int64, device, False).to(dtype=dtypes.int64 if dtype is None else dtype)
    return out.requires_grad_() if requires_grad else out
