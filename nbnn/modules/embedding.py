"""Modules of the embeddings."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn import init
from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class Embedding(Module):
    r"""A table of vectors that is looked up by number, :math:`y_k = W_{i_k}`.

    The table starts normal with mean 0 and variance 1, the row of the padding with zeros.

    Parameters
    ----------
    num_embeddings : int
        Rows V of the table.
    embedding_dim : int
        Size D of a vector.
    padding_idx : int, optional
        A row that gets no gradient; a negative one counts from the end.
    max_norm : float, optional
        Rows that are looked up are scaled down to this norm, in place.
    norm_type : float
        The p of that p-norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up.
    sparse : bool
        Gradients of the table hold the rows that were looked up: `nbnn.sparse.SparseTensor`.
    device : device, optional
        Where the table lies.
    dtype : dtype, optional
        Its type.

    Attributes
    ----------
    weight : Parameter (num_embeddings, embedding_dim)

    Shape
    -----
    input : (\*) of integers in [0, V)
    output : (\*, D)

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type.
    IndexError
        When called: if a number is outside [0, V).

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Embedding(10, 3, padding_idx=0)(nbnn.tensor([0]))
    tensor([[0., 0., 0.]], grad_fn=<EmbeddingBackward>)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = _check.integer("Embedding", "num_embeddings", num_embeddings, 0)
        self.embedding_dim = _check.integer("Embedding", "embedding_dim", embedding_dim, 0)
        if padding_idx is not None:
            row, size = _check.integer("Embedding", "padding_idx", padding_idx), self.num_embeddings
            if not -size <= row < size:
                raise ValueError(f"Embedding: `padding_idx` (={row}) must be in [{-size}, {size - 1}]")
            padding_idx = row % size
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = _check.flag("Embedding", "sparse", sparse)
        shape = (self.num_embeddings, self.embedding_dim)
        if _weight is None:
            self.weight = Parameter(A.empty(*shape, dtype=dtype, device=device), requires_grad=not _freeze)
            self.reset_parameters()
        else:
            if tuple(_check.tensor("Embedding", "_weight", _weight).shape) != shape:
                raise ValueError(f"Embedding: `_weight` must have shape {shape}; got {tuple(_weight.shape)}")
            self.weight = Parameter(_weight, requires_grad=not _freeze)

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
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An Embedding with the given table of shape (V, D), which is not trained if `freeze` is set.

        Raises
        ------
        ValueError
            If the table has not two axes.
        """
        if _check.tensor("Embedding", "embeddings", embeddings).dim() != 2:
            raise ValueError(f"Embedding: `embeddings` must have shape (V, D); got {tuple(embeddings.shape)}")
        rows, columns = embeddings.shape
        return cls(
            rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, _freeze=freeze
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq:
            parts.append(f"scale_grad_by_freq={self.scale_grad_by_freq}")
        if self.sparse:
            parts.append("sparse=True")
        return ", ".join(parts)
