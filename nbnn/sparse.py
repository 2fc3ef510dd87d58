"""SparseTensor: a few rows of a Tensor that is zero elsewhere, as the gradient of a table that is looked up."""

from __future__ import annotations

from typing import Any

from nbnn import device as _device
from nbnn.autograd import no_grad
from nbnn.dtypes import dtype as _dtype_class
from nbnn.functional.array import cast
from nbnn.functional.creation import zeros
from nbnn.functional.gathering import index_add
from nbnn.functional.joining import cat
from nbnn.functional.ordering import unique
from nbnn.tensor import Size, Tensor


class SparseTensor:
    """Rows of a Tensor by number, the sum of those that are equal; all other rows are zero.

    It is what ``F.embedding(..., sparse=True)`` gives as gradient: it takes the memory of the rows that were looked up,
    whatever the size of the table. Like torch's gradient of this kind it has one sparse axis, the first. No function
    takes it but its own methods, the optimizers `SGD`, `Adagrad` and `SparseAdam`, and `+`.

    Parameters
    ----------
    rows : Tensor of int64, of shape (n,)
        Numbers in [0, shape[0]), in any order, also repeated.
    values : Tensor of shape (n, *shape[1:])
        What stands there.
    shape : tuple of int
        That of the whole.
    coalesced : bool
        Whether `rows` are known to ascend without repetition.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> table = nbnn.zeros(1000, 2, requires_grad=True)
    >>> F.embedding(nbnn.tensor([7, 3, 7]), table, sparse=True).sum().backward()
    >>> table.grad
    SparseTensor(shape=(1000, 2), rows=[7, 3, 7], dtype=nbnn.float32)
    >>> table.grad.coalesce().values()
    tensor([[1., 1.],
            [2., 2.]])
    """

    is_sparse = True
    requires_grad = False
    is_leaf = True
    grad_fn = None

    def __init__(self, rows: Tensor, values: Tensor, shape: tuple[int, ...], coalesced: bool = False) -> None:
        self._rows = rows
        self._entries = values
        self._shape = tuple(shape)
        self._coalesced = coalesced

    # -- what it is ---------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._shape)

    @property
    def dtype(self) -> _dtype_class:
        return self._entries._dtype

    _dtype = dtype

    @property
    def device(self) -> _device.device:
        return self._entries.device

    @property
    def ndim(self) -> int:
        return len(self._shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one axis."""
        return self.shape if dim is None else self._shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    def numel(self) -> int:
        """The number of elements, zeros included."""
        return self.shape.numel()

    def sparse_dim(self) -> int:
        """The number of sparse axes: 1."""
        return 1

    def dense_dim(self) -> int:
        """The number of the other axes."""
        return len(self._shape) - 1

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def __len__(self) -> int:
        return self._shape[0]

    def __repr__(self) -> str:
        rows = self._rows.tolist()
        shown = f"[{', '.join(map(str, [*rows[:6], '...']))}]" if len(rows) > 6 else str(rows)
        return f"SparseTensor(shape={self._shape}, rows={shown}, dtype={self.dtype!r})"

    # -- the rows -----------------------------------------------------------------------------------------------

    def _nnz(self) -> int:
        return self._rows._shape[0]

    def _indices(self) -> Tensor:
        return self._rows.reshape(1, -1)

    def _values(self) -> Tensor:
        return self._entries

    def is_coalesced(self) -> bool:
        """Whether the rows are known to ascend without repetition."""
        return self._coalesced

    def indices(self) -> Tensor:
        """The numbers of the rows, of shape (1, n).

        Raises
        ------
        RuntimeError
            If they are not coalesced.
        """
        self._ordered("indices")
        return self._indices()

    def values(self) -> Tensor:
        """The rows, of shape (n, *shape[1:]).

        Raises
        ------
        RuntimeError
            If they are not coalesced.
        """
        self._ordered("values")
        return self._values()

    def _ordered(self, op: str) -> None:
        if not self._coalesced:
            raise RuntimeError(f"{op}: the rows of a SparseTensor may repeat; call .coalesce() first")

    def coalesce(self) -> SparseTensor:
        """The same with each row once, ascending; the sum of rows that repeat is taken in their order."""
        if self._coalesced:
            return self
        with no_grad():
            rows, places = unique(self._rows, return_inverse=True)
            total = index_add(self._blank(rows._shape[0]), 0, places, self._entries)
        return SparseTensor(rows, total, self._shape, True)

    def to_dense(self) -> Tensor:
        """The whole as a Tensor."""
        with no_grad():
            return index_add(self._blank(self._shape[0]), 0, self._rows, self._entries)

    def _blank(self, rows: int) -> Tensor:
        return zeros(rows, *self._shape[1:], dtype=self.dtype, device=self.device)

    # -- copies and arithmetic ----------------------------------------------------------------------------------

    def detach(self) -> SparseTensor:
        """Another with the same memory."""
        return SparseTensor(self._rows, self._entries, self._shape, self._coalesced)

    def detach_(self) -> SparseTensor:
        """Itself: it has no history."""
        return self

    def clone(self) -> SparseTensor:
        """A copy."""
        return SparseTensor(self._rows.clone(), self._entries.clone(), self._shape, self._coalesced)

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        return self.clone()

    def to(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """A copy on another device or of another type, as `Tensor.to`."""
        values = self._entries.to(*args, **kwargs)
        return SparseTensor(self._rows.to(values.device), values, self._shape, self._coalesced)

    def zero_(self) -> SparseTensor:
        """Forget all rows, in place."""
        self._rows, self._entries = self._rows[:0].clone(), self._entries[:0].clone()
        self._coalesced = True
        return self

    def mul_(self, factor: Any) -> SparseTensor:
        """Multiply by a number, in place."""
        self._entries.mul_(_number("mul_", factor))
        return self

    def __mul__(self, factor: Any) -> SparseTensor:
        return self.clone().mul_(factor)

    __rmul__ = __mul__

    def __neg__(self) -> SparseTensor:
        return self * -1

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, (SparseTensor, Tensor)):
            return NotImplemented
        if other._shape != self._shape:
            raise ValueError(f"add: a SparseTensor of shape {self._shape} takes its like; got shape {other._shape}")
        if isinstance(other, Tensor):
            return index_add(other, 0, self._rows, cast(self._entries, other._dtype))
        with no_grad():
            rows, values = cat([self._rows, other._rows]), cat([self._entries, other._entries])
        return SparseTensor(rows, values, self._shape)


def _number(op: str, factor: Any) -> Any:
    if isinstance(factor, (SparseTensor, Tensor)) and factor.numel() != 1:
        raise TypeError(f"{op}: a SparseTensor is multiplied by a number; got shape {factor._shape}")
    return factor
