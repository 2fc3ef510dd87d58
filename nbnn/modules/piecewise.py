"""Modules of the activation functions made of straight pieces."""

from __future__ import annotations

import warnings

from nbnn import functional as F
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class Hardtanh(Module):
    r"""The function :math:`y = \min(\max(x, a), b)`.

    Parameters
    ----------
    min_val, max_val : float
        The bounds a and b.
    inplace : bool
        Whether the input's memory takes the result.
    min_value, max_value : float, optional
        Old spellings of the bounds.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        Unless `min_val` is below `max_val`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Hardtanh()(nbnn.tensor([-1.0, 2.0]))
    tensor([-1.,  1.])
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        if min_value is not None:
            warnings.warn("Hardtanh: `min_value` is an old spelling; use `min_val`", FutureWarning, stacklevel=2)
            min_val = min_value
        if max_value is not None:
            warnings.warn("Hardtanh: `max_value` is an old spelling; use `max_val`", FutureWarning, stacklevel=2)
            max_val = max_value
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: `min_val` (={min_val}) must be below `max_val` (={max_val})")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class ReLU6(Hardtanh):
    r"""The function :math:`y = \min(\max(x, 0), 6)`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReLU6()(nbnn.tensor([-1.0, 2.0, 7.0]))
    tensor([0., 2., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Hardsigmoid(Module):
    r"""The function :math:`y = \min(\max(x + 3, 0), 6) / 6`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Hardsigmoid()(nbnn.tensor([-1.0, 2.0]))
    tensor([0.3333, 0.8333])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    r"""The function :math:`y = x \min(\max(x + 3, 0), 6) / 6`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Hardswish()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.3333,  1.6667])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class Hardshrink(Module):
    r"""The function :math:`y = 0` where :math:`|x| \le \lambda`, else :math:`x`.

    Parameters
    ----------
    lambd : float
        Half the width of the gap.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Hardshrink()(nbnn.tensor([-1.0, 0.2]))
    tensor([-1.,  0.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Module):
    r"""The function :math:`y = \mathrm{sign}(x) \max(|x| - \lambda, 0)`.

    Parameters
    ----------
    lambd : float
        How much closer to 0; at least 0.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        If `lambd` is negative, when it is called.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Softshrink()(nbnn.tensor([-1.0, 0.2]))
    tensor([-0.5000,  0.0000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Threshold(Module):
    r"""The function :math:`y = x` where :math:`x > t`, else :math:`v`.

    Parameters
    ----------
    threshold : float
        The bound t.
    value : float
        The value v up to the bound.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Threshold(1.0, 0.0)(nbnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}" + (", inplace=True" if self.inplace else "")
