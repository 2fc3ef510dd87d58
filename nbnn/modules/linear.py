"""Modules of the linear maps."""

from __future__ import annotations

import math
from typing import Any

from nbnn import functional as F
from nbnn import init
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class Identity(Module):
    r"""The input, unchanged: a placeholder that takes any arguments.

    Parameters
    ----------
    *args, **kwargs
        Ignored.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Identity(54, unused=0.1)(nbnn.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    r"""The affine map :math:`y = x W^T + b`.

    Weight and bias start uniform in :math:`\pm 1 / \sqrt{\text{in\_features}}`.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of input and output.
    bias : bool
        Whether there is a :math:`b`.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight : Parameter (out_features, in_features)
    bias : Parameter (out_features,) or None

    Shape
    -----
    input : (\*, in_features)
    output : (\*, out_features)

    Raises
    ------
    TypeError, ValueError
        If a size is not an int or negative.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.Linear(20, 30)
    >>> layer(nbnn.ones(128, 20)).shape
    nbnn.Size([128, 30])
    """

    bias: Parameter | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = _check.integer("Linear", "in_features", in_features, 0)
        self.out_features = _check.integer("Linear", "out_features", out_features, 0)
        self.weight = Parameter(A.empty(out_features, in_features, dtype=dtype, device=device))
        self.register_parameter("bias", Parameter(A.empty(out_features, dtype=dtype, device=device)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.affine_(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    r"""A form of two vectors, :math:`y_k = x_1^T W_k x_2 + b_k`.

    Weight and bias start uniform in :math:`\pm 1 / \sqrt{\text{in1\_features}}`.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        Sizes of the last axis of the inputs and the output.
    bias : bool
        Whether there is a :math:`b`.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight : Parameter (out_features, in1_features, in2_features)
    bias : Parameter (out_features,) or None

    Shape
    -----
    input1 : (\*, in1_features)
    input2 : (\*, in2_features)
    output : (\*, out_features)

    Raises
    ------
    TypeError, ValueError
        If a size is not an int, `in1_features` is below 1, or another size is negative.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Bilinear(20, 30, 40)(nbnn.ones(128, 20), nbnn.ones(128, 30)).shape
    nbnn.Size([128, 40])
    """

    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = _check.integer("Bilinear", "in1_features", in1_features, 1)
        self.in2_features = _check.integer("Bilinear", "in2_features", in2_features, 0)
        self.out_features = _check.integer("Bilinear", "out_features", out_features, 0)
        self.weight = Parameter(A.empty(out_features, in1_features, in2_features, dtype=dtype, device=device))
        self.register_parameter("bias", Parameter(A.empty(out_features, dtype=dtype, device=device)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
