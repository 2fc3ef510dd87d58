"""The module of the adaptive softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nbnn.functional import _check
from nbnn.functional import adaptive_softmax as S
from nbnn.modules.container import ModuleList, Sequential
from nbnn.modules.linear import Linear
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class AdaptiveSoftmaxOutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    r"""The log probabilities of many classes, most of them rare, and the loss.

    Classes are ordered by falling frequency. The first `cutoffs[0]` of them, and one entry for each cluster of the
    others, are a softmax of the head; the classes of cluster i are a softmax of their own behind a map to
    :math:`\lfloor \text{in\_features} / \text{div\_value}^{i + 1} \rfloor` features, computed only for the rows whose
    targets lie in it.

    Parameters
    ----------
    in_features : int
        Size of the input.
    n_classes : int
        Number of classes.
    cutoffs : sequence of int
        Where the clusters begin: rising, between 1 and n_classes - 1.
    div_value : float
        By how much the features of each cluster fall; the classes of a cluster that has none left are equally
        probable.
    head_bias : bool
        Whether the head has a bias.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    head : Linear
    tail : ModuleList of Sequential of two Linear

    Shape
    -----
    input : (N, in_features) or (in_features,)
    target : (N,) or (), int64
    output : a named tuple with `output`, the log probability of each target, (N,) or (), and `loss` ()

    Raises
    ------
    ValueError, TypeError
        If `cutoffs` breaks these rules, `div_value` is not above 0, or shapes do not belong together.
    IndexError
        If a target is outside [0, n_classes).

    References
    ----------
    E. Grave et al., "Efficient softmax approximation for GPUs", ICML 2017.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(8, 100, [10, 50], div_value=2.0)
    >>> output, loss = layer(nbnn.ones(3, 8), nbnn.tensor([2, 20, 99]))
    >>> output.shape, loss.shape, layer.log_prob(nbnn.ones(3, 8)).shape
    (nbnn.Size([3]), nbnn.Size([]), nbnn.Size([3, 100]))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        op = "AdaptiveLogSoftmaxWithLoss"
        self.in_features = _check.integer(op, "in_features", in_features, 1)
        self.n_classes = _check.integer(op, "n_classes", n_classes, 1)
        given = [_check.integer(op, "cutoffs", cutoff) for cutoff in cutoffs]
        if not given or given != sorted(set(given)) or given[0] < 1 or given[-1] > n_classes - 1:
            raise ValueError(
                f"{op}: `cutoffs` (={given}) must hold rising ints between 1 and n_classes - 1 = {n_classes - 1}"
            )
        self.cutoffs = [*given, n_classes]
        self.div_value = _check.number(op, "div_value", div_value)
        if not self.div_value > 0:
            raise ValueError(f"{op}: `div_value` (={div_value}) must be above 0")
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        place = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **place)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            narrow = int(in_features // (self.div_value ** (i + 1)))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            first = Linear(in_features, narrow, bias=False, **place)
            self.tail.append(Sequential(first, Linear(narrow, classes, bias=False, **place)))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def _parts(self) -> tuple:
        head = (self.head.weight, self.head.bias)
        return head, [(pair[0].weight, pair[1].weight) for pair in self.tail], self.cutoffs

    def forward(self, input: Tensor, target: Tensor) -> AdaptiveSoftmaxOutput:
        return AdaptiveSoftmaxOutput(*S.log_likelihood(input, target, *self._parts()))

    def log_prob(self, input: Tensor) -> Tensor:
        """The log probabilities of all classes, (N, n_classes), for an input (N, in_features)."""
        return S.log_prob(input, *self._parts())

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row of an input (N, in_features): ``log_prob(input).argmax(1)``."""
        return S.predict(input, *self._parts())
