"""Modules of padding."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _Pad(Module):
    """The padding of the last n axes, two ints for each; one int stands for all."""

    axes = 0
    mode = ""

    def __init__(self, padding: Any) -> None:
        super().__init__()
        op = type(self).__name__
        if isinstance(padding, (tuple, list)):
            if len(padding) != 2 * self.axes:
                raise ValueError(f"{op}: `padding` (={tuple(padding)}) must be an int or {2 * self.axes} ints")
            self.padding = tuple(_check.integer(op, "padding", p) for p in padding)
        else:
            self.padding = (_check.integer(op, "padding", padding),) * (2 * self.axes)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """A padding with one number."""

    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    """A padding with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ConstantPad1d(_ConstantPad):
    r"""The last axis of the input with a constant before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right), one int for all; negative ones cut off.
    value : float
        What is added.

    Shape
    -----
    input : (C, L) or (N, C, L)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 2 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ConstantPad1d(1, 5.0)(nbnn.tensor([[1.0, 2.0]]))
    tensor([[5., 1., 2., 5.]])
    """

    axes = 1


class ConstantPad2d(_ConstantPad):
    r"""The last 2 axes of the input with a constant before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom), one int for all; negative ones cut off.
    value : float
        What is added.

    Shape
    -----
    input : (C, H, W) or (N, C, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 4 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ConstantPad2d(1, 5.0)(nbnn.ones(1, 2, 2)).shape
    nbnn.Size([1, 4, 4])
    """

    axes = 2


class ConstantPad3d(_ConstantPad):
    r"""The last 3 axes of the input with a constant before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom, front, back), one int for all; negative ones cut off.
    value : float
        What is added.

    Shape
    -----
    input : (C, D, H, W) or (N, C, D, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 6 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ConstantPad3d(1, 5.0)(nbnn.ones(1, 2, 2, 2)).shape
    nbnn.Size([1, 4, 4, 4])
    """

    axes = 3


class ZeroPad1d(_ZeroPad):
    r"""The last axis of the input with zeros before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, L) or (N, C, L)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 2 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ZeroPad1d((1, 0))(nbnn.tensor([[1.0, 2.0]]))
    tensor([[0., 1., 2.]])
    """

    axes = 1


class ZeroPad2d(_ZeroPad):
    r"""The last 2 axes of the input with zeros before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, H, W) or (N, C, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 4 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ZeroPad2d(1)(nbnn.ones(1, 2, 2)).shape
    nbnn.Size([1, 4, 4])
    """

    axes = 2


class ZeroPad3d(_ZeroPad):
    r"""The last 3 axes of the input with zeros before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom, front, back), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, D, H, W) or (N, C, D, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 6 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ZeroPad3d(1)(nbnn.ones(1, 2, 2, 2)).shape
    nbnn.Size([1, 4, 4, 4])
    """

    axes = 3


class ReflectionPad1d(_Pad):
    r"""The last axis of the input with the elements next to the end, in reverse before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, L) or (N, C, L)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 2 ints; when called: if it is not less than the size of its axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReflectionPad1d(1)(nbnn.tensor([[1.0, 2.0]]))
    tensor([[2., 1., 2., 1.]])
    """

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    r"""The last 2 axes of the input with the elements next to the end, in reverse before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, H, W) or (N, C, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 4 ints; when called: if it is not less than the size of its axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReflectionPad2d(1)(nbnn.ones(1, 2, 2)).shape
    nbnn.Size([1, 4, 4])
    """

    axes = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    r"""The last 3 axes of the input with the elements next to the end, in reverse before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom, front, back), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, D, H, W) or (N, C, D, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 6 ints; when called: if it is not less than the size of its axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReflectionPad3d(1)(nbnn.ones(1, 2, 2, 2)).shape
    nbnn.Size([1, 4, 4, 4])
    """

    axes = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    r"""The last axis of the input with the element at the end before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, L) or (N, C, L)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 2 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReplicationPad1d(1)(nbnn.tensor([[1.0, 2.0]]))
    tensor([[1., 1., 2., 2.]])
    """

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    r"""The last 2 axes of the input with the element at the end before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, H, W) or (N, C, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 4 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReplicationPad2d(1)(nbnn.ones(1, 2, 2)).shape
    nbnn.Size([1, 4, 4])
    """

    axes = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    r"""The last 3 axes of the input with the element at the end before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom, front, back), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, D, H, W) or (N, C, D, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 6 ints; when called: if it leaves an axis of negative size.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReplicationPad3d(1)(nbnn.ones(1, 2, 2, 2)).shape
    nbnn.Size([1, 4, 4, 4])
    """

    axes = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    r"""The last axis of the input with the elements of the other end before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, L) or (N, C, L)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 2 ints; when called: if it is more than the size of its axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CircularPad1d(1)(nbnn.tensor([[1.0, 2.0]]))
    tensor([[2., 1., 2., 1.]])
    """

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    r"""The last 2 axes of the input with the elements of the other end before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, H, W) or (N, C, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 4 ints; when called: if it is more than the size of its axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CircularPad2d(1)(nbnn.ones(1, 2, 2)).shape
    nbnn.Size([1, 4, 4])
    """

    axes = 2
    mode = "circular"


class CircularPad3d(_Pad):
    r"""The last 3 axes of the input with the elements of the other end before and after.

    Parameters
    ----------
    padding : int or tuple
        How many: (left, right, top, bottom, front, back), one int for all; negative ones cut off.

    Shape
    -----
    input : (C, D, H, W) or (N, C, D, H, W)
    output : the same with longer axes

    Raises
    ------
    ValueError
        If `padding` has not 6 ints; when called: if it is more than the size of its axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CircularPad3d(1)(nbnn.ones(1, 2, 2, 2)).shape
    nbnn.Size([1, 4, 4, 4])
    """

    axes = 3
    mode = "circular"
