"""What distributions have in common."""

from __future__ import annotations

from typing import Any

from nbnn.autograd import no_grad
from nbnn.dtypes import get_default_dtype
from nbnn.functional import _check
from nbnn.functional.creation import as_tensor
from nbnn.functional.shape import broadcast_to
from nbnn.tensor import Size, Tensor


class Distribution:
    """Base of the distributions.

    Attributes
    ----------
    batch_shape : Size
        How many distributions there are: the shape to which the parameters broadcast.
    event_shape : Size
        Of one draw: empty for single numbers.
    """

    has_rsample = False

    def __init__(self, batch_shape: tuple[int, ...], event_shape: tuple[int, ...] = ()) -> None:
        self.batch_shape, self.event_shape = Size(batch_shape), Size(event_shape)

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no `mean`")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no `variance`")

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws of shape (*sample_shape, *batch_shape, *event_shape), outside the graph."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws with gradients to the parameters, where the distribution has them."""
        raise NotImplementedError(f"{type(self).__name__}: draws have no gradient; use sample")

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density or probability of `value`, with gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no `log_prob`")

    def entropy(self) -> Tensor:
        """The entropy of each distribution in nats, with gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no `entropy`")

    def _extended(self, sample_shape: Any) -> tuple[int, ...]:
        given = _check.sizes(type(self).__name__, "sample_shape", sample_shape)
        return (*given, *self.batch_shape, *self.event_shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape={tuple(self.batch_shape)}, event_shape={tuple(self.event_shape)})"


def parameters(op: str, **values: Any) -> list[Tensor]:
    """Numbers and Tensors of floating point as Tensors of one shape, numbers in the dtype of the Tensors."""
    given = [t for t in values.values() if isinstance(t, Tensor)]
    for name, value in values.items():
        if isinstance(value, Tensor):
            _check.floating(op, name, value)
        else:
            _check.number(op, name, value)
    kind, where = (given[0].dtype, given[0].device) if given else (get_default_dtype(), None)
    tensors = [v if isinstance(v, Tensor) else as_tensor(v, dtype=kind, device=where) for v in values.values()]
    shape = _check.broadcast_shapes(op, *(t._shape for t in tensors))
    return [broadcast_to(t, shape) for t in tensors]


def require(holds: Tensor, op: str, name: str, rule: str, value: Tensor) -> None:
    """`holds` must be true everywhere, unless arguments are not validated; NaN breaks every rule."""
    if not bool(holds.all()):
        wrong = value.detach().broadcast_to(holds.shape)[~holds].reshape(-1)[0].item()
        raise ValueError(f"{op}: `{name}` must {rule}; got {wrong}")


def either(op: str, probs: Any, logits: Any) -> tuple[str, Any]:
    """The name and value of the one that is given."""
    if (probs is None) is (logits is None):
        raise ValueError(f"{op}: needs either `probs` or `logits`, not {'both' if probs is not None else 'none'}")
    return ("probs", probs) if logits is None else ("logits", logits)
