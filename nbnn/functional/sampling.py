"""Random numbers with the shape, mean, probability or weights of Tensors.

The draws come from the generator's seed and counter alone: the same on any number of threads and on CUDA.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, neg
from nbnn.functional.comparison import lt
from nbnn.functional.conversion import cast
from nbnn.functional.creation import empty, empty_like, in_range, normal_, rand, randint, randn, uniform_
from nbnn.functional.pointwise import log1p
from nbnn.functional.shape import broadcast_to
from nbnn.generator import Generator
from nbnn.kernels import creation as K
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor, flat, from_array, make, transfer


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers uniform in [0, 1), with the shape, dtype and device of `input`.

    Parameters
    ----------
    input : Tensor
    generator : Generator, optional
    dtype : dtype, optional
        That of `input` unless given.
    device : str or device, optional
    requires_grad : bool

    Examples
    --------
    >>> import nbnn
    >>> nbnn.rand_like(nbnn.zeros(2, 3)).shape
    nbnn.Size([2, 3])
    """
    return uniform_(empty_like(input, dtype=dtype, device=device), generator=generator).requires_grad_(requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal numbers, with the shape, dtype and device of `input`.

    Parameters
    ----------
    input : Tensor
    generator : Generator, optional
    dtype : dtype, optional
        That of `input` unless given.
    device : str or device, optional
    requires_grad : bool

    Examples
    --------
    >>> import nbnn
    >>> nbnn.randn_like(nbnn.zeros(2, 3)).shape
    nbnn.Size([2, 3])
    """
    return normal_(empty_like(input, dtype=dtype, device=device), generator=generator).requires_grad_(requires_grad)


def randint_like(
    input: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None,
    device: Any = None,
) -> Tensor:  # fmt: skip
    """Integers uniform in [low, high), or [0, low), with the shape, dtype and device of `input`.

    Parameters
    ----------
    input : Tensor
    low : int
    high : int, optional
    generator : Generator, optional
    dtype : dtype, optional
        That of `input` unless given.
    device : str or device, optional

    Raises
    ------
    ValueError
        If the range is empty.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.randint_like(nbnn.zeros(2, 3), 5).dtype
    nbnn.float32
    """
    x = _check.tensor("randint_like", "input", input)
    low, high = (0, low) if high is None else (low, high)
    where, kind = x.device if device is None else device, x._dtype if dtype is None else dtype
    return randint(low, high, x._shape, generator=generator, dtype=kind, device=where)


@takes_arrays
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Normal numbers: of the given size, or one for each element of `mean` and `std`, which broadcast.

    Parameters
    ----------
    mean, std : float or Tensor
    size : tuple of int, optional
        Needed where neither is a Tensor, and only there.
    generator : Generator, optional
    dtype, device : optional
        Where there is a `size`; else they are those of the Tensors.

    Raises
    ------
    ValueError
        If `std` is negative, or the shapes do not broadcast.
    TypeError
        If `size` is missing, or given beside Tensors.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.normal(0.0, 1.0, (2, 3)).shape
    nbnn.Size([2, 3])
    >>> nbnn.normal(nbnn.zeros(4), 2.0).shape
    nbnn.Size([4])
    """
    given = [t for t in (mean, std) if isinstance(t, Tensor)]
    if bool(given) is (size is not None):
        raise TypeError("normal: needs either `size` or a Tensor for `mean` or `std`")
    if not given:
        out = empty(size, dtype=dtype, device=device)
        low = _check.number("normal", "std", std)
        if not low >= 0:
            raise ValueError(f"normal: `std` (={std}) must be at least 0")
        return normal_(out, _check.number("normal", "mean", mean), low, generator=generator)
    for name, t in (("mean", mean), ("std", std)):
        if isinstance(t, Tensor):
            _check.floating("normal", name, t)
    if not bool((std >= 0).all()) if isinstance(std, Tensor) else not _check.number("normal", "std", std) >= 0:
        raise ValueError("normal: `std` must be at least 0")
    shape = _check.broadcast_shapes("normal", *(t._shape for t in given))
    noise = randn(shape, generator=generator, dtype=given[0]._dtype, device=given[0].device)
    return cast(add(mul(noise, _plain(std)), _plain(mean)), given[0]._dtype)


def _plain(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def _probabilities(op: str, name: str, p: Tensor) -> Tensor:
    """Float Tensors whose elements all lie in [0, 1]."""
    _check.floating(op, name, p)
    p = p.detach()
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise ValueError(f"{op}: `{name}` must hold probabilities between 0 and 1")
    return p


def _coins(p: Any, like: Tensor, generator: Generator | None) -> Tensor:
    kind = dtypes.float64 if like._dtype is dtypes.float64 else dtypes.float32
    return cast(lt(rand(like._shape, generator=generator, dtype=kind, device=like.device), p), like._dtype)


@takes_arrays
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probabilities that `input` holds, or with probability `p`; else zeros.

    Parameters
    ----------
    input : Tensor
        Probabilities; with `p` only its shape and dtype count.
    p : float, optional
    generator : Generator, optional

    Raises
    ------
    ValueError
        If a probability is not between 0 and 1.
    TypeError
        If `input` does not hold floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.bernoulli(nbnn.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    x = _check.tensor("bernoulli", "input", input)
    chance = _probabilities("bernoulli", "input", x) if p is None else _check.probability("bernoulli", "p", p)
    return _coins(chance, x, generator)


def _fill(t: Tensor, values: Tensor) -> Tensor:
    transfer(t, values)
    t._version[0] += 1
    return t


def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill `input` in place with ones with probability `p` (a number, or a Tensor that broadcasts), else zeros."""
    if not isinstance(p, Tensor):
        return _fill(input, _coins(_check.probability("bernoulli_", "p", p), input, generator))
    chance = _probabilities("bernoulli_", "p", p)
    if _check.broadcast_shapes("bernoulli_", p._shape, input._shape) != input._shape:
        raise ValueError(f"bernoulli_: `p` of shape {p._shape} does not broadcast to {input._shape}")
    return _fill(input, _coins(broadcast_to(chance, input._shape), input, generator))


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill `input` in place with numbers of density lambd exp(-lambd x)."""
    _check.floating("exponential_", "input", input)
    rate = _check.number("exponential_", "lambd", lambd)
    if not rate > 0:
        raise ValueError(f"exponential_: `lambd` (={lambd}) must be above 0")
    u = rand(input._shape, generator=generator, dtype=input._dtype, device=input.device)
    return _fill(input, div(neg(log1p(neg(u))), rate))


_BITS = {dtypes.float16: 11, dtypes.bfloat16: 8, dtypes.float32: 24, dtypes.float64: 53}  # of a fraction
_BITS |= {dtypes.bool_: 1, dtypes.uint8: 8, dtypes.int8: 7, dtypes.int16: 15, dtypes.int32: 31, dtypes.int64: 63}


def random_(input: Tensor, low: Any = None, high: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Fill `input` in place with integers uniform in [low, high); with one number in [0, low).

    Without numbers the range begins at 0 and holds all integers that the dtype represents.
    """
    kind = input._dtype
    if high is None:
        whole = (1 << _BITS[kind]) - (kind is dtypes.int64) + (kind.is_floating_point)
        low, high = 0, whole if low is None else low
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"random_: `{name}` (={value!r}) must be an int; got {type(value).__name__}")
    if not low < high:
        raise ValueError(f"random_: `low` (={low}) must be less than `high` (={high})")
    in_range("random_", low, high, kind)
    return _fill(input, cast(randint(low, high, input._shape, generator=generator, device=input.device), kind))


@takes_arrays
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Categories drawn with probabilities in proportion to the weights of each row.

    Parameters
    ----------
    input : Tensor of shape (N, C) or (C,)
        Weights: not negative, finite, not all zero.
    num_samples : int
    replacement : bool
        Whether a category may be drawn again.
    generator : Generator, optional

    Returns
    -------
    Tensor of int64, of shape (N, num_samples) or (num_samples,)

    Raises
    ------
    ValueError
        If the weights are none, or there are fewer categories with a weight than samples.
    TypeError
        If `input` does not hold floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.multinomial(nbnn.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    op = "multinomial"
    _check.floating(op, "input", input)
    count = _check.integer(op, "num_samples", num_samples, 1)
    if input.dim() not in (1, 2) or not input._shape[-1]:
        raise ValueError(f"{op}: `input` must have shape (N, C) or (C,), with categories; got {input._shape}")
    size = input._shape[-1]
    weights = np.array(_device.to_host(flat(cast(input.detach(), dtypes.float64)))).reshape(-1, size)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights > 0).any(1).all()):
        raise ValueError(f"{op}: `input` must hold finite weights of at least 0, in each row one above 0")
    fewest = int((weights > 0).sum(1).min(initial=size))
    if not replacement and count > fewest:
        raise ValueError(f"{op}: `num_samples` (={count}) must be at most {fewest}, the categories with a weight")
    rows = len(weights)
    u = rand(rows, count, generator=generator, dtype=dtypes.float64)
    out = from_array(np.zeros(rows * count, np.int64))
    params = (size, count, int(bool(replacement)))
    _device.launch(K.multinomial, (out._data,), (weights.reshape(-1), u._data), params, rows, size * count)
    return make(out._data, (*input._shape[:-1], count), dtypes.int64).to(input.device)
