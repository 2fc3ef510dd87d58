"""Sequences of different lengths: padded to one Tensor, or packed step by step for the recurrent layers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nbnn.functional import _check
from nbnn.functional import _sequences as S
from nbnn.functional.creation import full
from nbnn.functional.joining import cat
from nbnn.functional.shape import reshape, transpose
from nbnn.tensor import Tensor, from_array

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """The elements of several sequences, step by step: what `pack_padded_sequence` makes and recurrent layers take.

    Parameters
    ----------
    data : Tensor of shape (rows, ...)
        The first elements of all sequences, the longest sequence first, then the second elements, and so on.
    batch_sizes : Tensor of int64
        How many sequences have each step.
    sorted_indices, unsorted_indices : Tensor of int64, optional
        The order by length, and the way back. They count empty sequences too, which come last and have no rows.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import pack_sequence
    >>> pack_sequence([nbnn.tensor([1, 2, 3]), nbnn.tensor([4])])
    PackedSequence(data=tensor([1, 4, 2, 3]), batch_sizes=tensor([2, 1, 1]), sorted_indices=None, unsorted_indices=None)
    """

    __slots__ = ()

    def __new__(
        cls, data: Tensor, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        _check.tensor("PackedSequence", "data", data)
        _check.tensor("PackedSequence", "batch_sizes", batch_sizes)
        if unsorted_indices is None and sorted_indices is not None:
            unsorted_indices = invert_permutation(sorted_indices)
        elif sorted_indices is None and unsorted_indices is not None:
            sorted_indices = invert_permutation(unsorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: Tensor) -> PackedSequence:
        return PackedSequence(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with `data` of another type or on another device."""
        return self._with(self.data.to(*args, **kwargs))

    def float(self) -> PackedSequence:
        """The same in float32."""
        return self._with(self.data.float())

    def double(self) -> PackedSequence:
        """The same in float64."""
        return self._with(self.data.double())

    def cuda(self) -> PackedSequence:
        """The same with `data` on the GPU."""
        return self._with(self.data.cuda())

    def cpu(self) -> PackedSequence:
        """The same with `data` on the CPU."""
        return self._with(self.data.cpu())

    @property
    def is_cuda(self) -> bool:
        """Whether `data` lies on the GPU."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another one; None for None.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import invert_permutation
    >>> invert_permutation(nbnn.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    order = np.asarray(permutation.tolist(), np.int64)
    if not np.array_equal(np.sort(order), np.arange(order.size)):
        raise ValueError(
            f"invert_permutation: `permutation` must hold 0 to {order.size - 1} once; got {order.tolist()}"
        )
    return from_array(np.argsort(order).astype(np.int64)).to(permutation.device)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a batch of padded sequences.

    Parameters
    ----------
    input : Tensor of shape (T, N, ...), or (N, T, ...) with `batch_first`
    lengths : Tensor or sequence of int
        The length of each sequence; may be 0, and then there are `sorted_indices`, which know of empty sequences.
    batch_first : bool
    enforce_sorted : bool
        Refuse lengths that grow, instead of sorting the sequences.

    Returns
    -------
    PackedSequence

    Raises
    ------
    ValueError
        If lengths do not fit `input`, or grow with `enforce_sorted`.
    TypeError
        If lengths are no ints.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import pack_padded_sequence
    >>> pack_padded_sequence(nbnn.tensor([[1, 3], [2, 0]]), [2, 1]).data
    tensor([1, 3, 2])
    """
    name = "pack_padded_sequence"
    x = _check.tensor(name, "input", input)
    if x.dim() < 2:
        raise ValueError(f"{name}: `input` must have at least 2 axes, steps and sequences; got shape {tuple(x.shape)}")
    x = transpose(x, 0, 1) if batch_first else x
    sizes = S.check_lengths(name, lengths, x.shape[1], x.shape[0])
    if enforce_sorted and (sizes[1:] > sizes[:-1]).any():
        raise ValueError(f"{name}: `lengths` must not grow unless enforce_sorted=False; got {sizes.tolist()}")
    order = S.longest_first(sizes)
    data, batch_sizes = S.packed(x, sizes[order], order)
    plain = enforce_sorted and sizes.all()
    indices = None if plain else from_array(order.astype(np.int64)).to(x.device)
    return PackedSequence(data, from_array(batch_sizes), indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool
        Give (N, T, ...) instead of (T, N, ...).
    padding_value : float
        What stands after the end of a sequence.
    total_length : int, optional
        T; by default the length of the longest sequence.

    Returns
    -------
    padded : Tensor of shape (T, N, ...)
    lengths : Tensor of int64

    Raises
    ------
    ValueError
        If `total_length` is too short.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> pad_packed_sequence(pack_sequence([nbnn.tensor([1, 2]), nbnn.tensor([3])]))
    (tensor([[1, 3],
            [2, 0]]), tensor([2, 1]))
    """
    name = "pad_packed_sequence"
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"{name}: `sequence` must be a PackedSequence; got {type(sequence).__name__}")
    sizes = np.asarray(sequence.batch_sizes.tolist(), np.int64)
    steps = len(sizes) if total_length is None else _check.integer(name, "total_length", total_length)
    if steps < len(sizes):
        raise ValueError(f"{name}: `total_length` (={steps}) must be at least the longest length (={len(sizes)})")
    order = sequence.sorted_indices
    columns = np.arange(sizes.max(initial=0)) if order is None else np.asarray(order.tolist(), np.int64)
    lengths = np.zeros(len(columns), np.int64)
    lengths[columns[: sizes.max(initial=0)]] = S.lengths_of(sizes)
    padded = S.padded(sequence.data, sizes, columns, steps, padding_value)
    return (transpose(padded, 0, 1) if batch_first else padded), from_array(lengths)


def _sequences(op: str, sequences: Any) -> list[Tensor]:
    if isinstance(sequences, Tensor):
        sequences = list(sequences)
    if not isinstance(sequences, (list, tuple)) or not sequences:
        raise TypeError(f"{op}: `sequences` must be a list of Tensors; got {type(sequences).__name__}")
    for k, t in enumerate(sequences):
        if _check.tensor(op, f"sequences[{k}]", t).dim() == 0 or t.shape[1:] != sequences[0].shape[1:]:
            raise ValueError(
                f"{op}: sequences[{k}] must have shape (length, *{tuple(sequences[0].shape[1:])}); got {tuple(t.shape)}"
            )
    return list(sequences)


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Put sequences of different lengths into one Tensor.

    Parameters
    ----------
    sequences : list of Tensor of shape (length, ...)
    batch_first : bool
        Give (N, T, ...) instead of (T, N, ...).
    padding_value : float
    padding_side : str
        'right' or 'left'.

    Returns
    -------
    Tensor of shape (T, N, ...)

    Raises
    ------
    ValueError
        If shapes differ after the first axis, or `padding_side` is unknown.
    TypeError
        If `sequences` is no list of Tensors.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import pad_sequence
    >>> pad_sequence([nbnn.tensor([1, 2]), nbnn.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    xs = _sequences("pad_sequence", sequences)
    if padding_side not in ("right", "left"):
        raise ValueError(f"pad_sequence: `padding_side` (={padding_side!r}) must be 'right' or 'left'")
    lengths = [x.shape[0] for x in xs]
    steps, total = max(lengths), sum(lengths)
    rows = np.full((len(xs), steps), total, np.int64)  # the row after the last is the padding
    start = 0
    for n, length in enumerate(lengths):
        own = slice(0, length) if padding_side == "right" else slice(steps - length, steps)
        rows[n, own] = np.arange(start, start + length)
        start += length
    rest = xs[0].shape[1:]
    padding = full((1, *rest), padding_value, dtype=xs[0].dtype, device=xs[0].device)
    rows = rows if batch_first else np.ascontiguousarray(rows.T)
    return reshape(cat([*xs, padding])[from_array(rows.reshape(-1))], (*rows.shape, *rest))


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Undo `pad_sequence` of padding on the right.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import unpad_sequence
    >>> unpad_sequence(nbnn.tensor([[1, 3], [2, 0]]), [2, 1])
    [tensor([1, 2]), tensor([3])]
    """
    x = _check.tensor("unpad_sequence", "padded_sequences", padded_sequences)
    x = x if batch_first else transpose(x, 0, 1)
    sizes = S.check_lengths("unpad_sequence", lengths, x.shape[0], x.shape[1])
    return [x[n, : int(length)] for n, length in enumerate(sizes)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths; see `pack_padded_sequence`.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import pack_sequence
    >>> pack_sequence([nbnn.tensor([3]), nbnn.tensor([1, 2])], enforce_sorted=False).data
    tensor([1, 3, 2])
    """
    xs = _sequences("pack_sequence", sequences)
    return pack_padded_sequence(pad_sequence(xs), [x.shape[0] for x in xs], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a `PackedSequence`.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.rnn import pack_sequence, unpack_sequence
    >>> unpack_sequence(pack_sequence([nbnn.tensor([1, 2]), nbnn.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
