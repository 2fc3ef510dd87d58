"""The Module of bags of embeddings."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn import init
from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class EmbeddingBag(Module):
    r"""Sums, means or maxima of bags of rows of a table, :math:`y_b = \sum_{k \in b} s_k W_{i_k}`.

    The table starts normal with mean 0 and variance 1, the row of the padding with zeros.

    Parameters
    ----------
    num_embeddings : int
        Rows V of the table.
    embedding_dim : int
        Size D of a vector.
    max_norm : float, optional
        Rows that are looked up are scaled down to this norm, in place.
    norm_type : float
        The p of that p-norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up.
    mode : {"mean", "sum", "max"}
    sparse : bool
        Gradients of the table hold the rows that were looked up: `nbnn.sparse.SparseTensor`; not for mode "max", nor
        with `scale_grad_by_freq`.
    include_last_offset : bool
        Whether the offsets hold one more, the end of the last bag.
    padding_idx : int, optional
        Ids that do not count; a negative one counts from the end.
    device : device, optional
        Where the table lies.
    dtype : dtype, optional
        Its type.

    Attributes
    ----------
    weight : Parameter (num_embeddings, embedding_dim)

    Shape
    -----
    input : (B, L), or (K,) with offsets (B,), of integers in [0, V)
    output : (B, D)

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.
    IndexError
        When called: if a number is outside [0, V).

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.EmbeddingBag(10, 3, mode="sum")(nbnn.tensor([1, 2, 4]), nbnn.tensor([0, 2])).shape
    nbnn.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        self.num_embeddings = _check.integer(kind, "num_embeddings", num_embeddings, 0)
        self.embedding_dim = _check.integer(kind, "embedding_dim", embedding_dim, 0)
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"{kind}: `mode` (={mode!r}) must be one of 'sum', 'mean', 'max'")
        if scale_grad_by_freq and mode == "max":
            raise ValueError(f"{kind}: `scale_grad_by_freq` (={scale_grad_by_freq}) must be False for mode 'max'")
        if _check.flag(kind, "sparse", sparse) and (scale_grad_by_freq or mode == "max"):
            asked = "scale_grad_by_freq" if scale_grad_by_freq else "mode 'max'"
            raise ValueError(f"{kind}: `sparse` (={sparse}) must be False with {asked}, whose gradients are dense")
        if padding_idx is not None:
            row, size = _check.integer(kind, "padding_idx", padding_idx), self.num_embeddings
            if not -size <= row < size:
                raise ValueError(f"{kind}: `padding_idx` (={row}) must be in [{-size}, {size - 1}]")
            padding_idx = row % size
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self.padding_idx = padding_idx
        shape = (self.num_embeddings, self.embedding_dim)
        if _weight is None:
            self.weight = Parameter(A.empty(*shape, dtype=dtype, device=device))
            self.reset_parameters()
        else:
            if tuple(_check.tensor(kind, "_weight", _weight).shape) != shape:
                raise ValueError(f"{kind}: `_weight` must have shape {shape}; got {tuple(_weight.shape)}")
            self.weight = Parameter(_weight)

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A Module with the given table of shape (V, D), which is not trained if `freeze` is set.

        Raises
        ------
        ValueError
            If the table has not two axes.
        """
        if _check.tensor("EmbeddingBag", "embeddings", embeddings).dim() != 2:
            raise ValueError(f"EmbeddingBag: `embeddings` must have shape (V, D); got {tuple(embeddings.shape)}")
        rows, columns = embeddings.shape
        module = cls(
            rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset,
            padding_idx,
        )  # fmt: skip
        module.weight.requires_grad_(not freeze)
        return module

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq:
            parts.append(f"scale_grad_by_freq={self.scale_grad_by_freq}")
        parts.append(f"mode={self.mode!r}")
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        return ", ".join(parts)
