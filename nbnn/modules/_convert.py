"""Moving and casting a whole tree of modules in place: the Parameters stay the same objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from nbnn.autograd import no_grad
from nbnn.device import as_device, device
from nbnn.dtypes import as_dtype, bfloat16, dtype, float16, float32, float64
from nbnn.functional import array as A
from nbnn.tensor import Parameter, Tensor

if TYPE_CHECKING:
    from typing_extensions import Self


def _parse_to(args: tuple, kwargs: dict[str, Any]) -> tuple[device | None, dtype | None]:
    """The device and dtype that the arguments of `Module.to` ask for."""
    where, kind = kwargs.get("device"), kwargs.get("dtype")
    if unknown := set(kwargs) - {"device", "dtype", "tensor", "non_blocking", "memory_format"}:
        raise TypeError(f"Module.to: unexpected arguments {sorted(unknown)}")
    for value in (*args, kwargs.get("tensor")):
        if isinstance(value, Tensor):
            where, kind = value.device, value.dtype
        elif isinstance(value, dtype):
            kind = value
        elif isinstance(value, (str, int, device)) and not isinstance(value, bool):
            where = value
        elif value is not None and not isinstance(value, bool):
            kind = as_dtype(value, "Module.to")
    kind = None if kind is None else as_dtype(kind, "Module.to")
    if kind is not None and not kind.is_differentiable:
        raise TypeError(
            f"Module.to: `dtype` (={kind}) must be a floating-point type, or a complex one; `Module.type` casts to any"
        )
    return None if where is None else as_device(where), kind


class Convert:
    """The methods of Module that change where and as what its numbers are stored."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    named_modules: Callable[..., Iterator[tuple[str, Any]]]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the data of every parameter, its gradient and every buffer by ``fn`` of it."""
        done: dict[int, tuple[Tensor, Tensor]] = {}  # by the id of the old one, which is kept alive: sharing stays
        with no_grad():
            for _, module in self.named_modules() if recurse else [("", self)]:
                for parameter in module._parameters.values():
                    if parameter is None or id(parameter) in done:
                        continue
                    gradient = parameter.grad
                    parameter.grad = None  # a gradient has its parameter's dtype and device: out of the way first
                    parameter.data = fn(parameter.data)
                    if gradient is not None:
                        parameter.grad = fn(gradient)
                    done[id(parameter)] = parameter, parameter
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        if id(buffer) not in done:
                            done[id(buffer)] = buffer, fn(buffer)
                        module._buffers[name] = done[id(buffer)][1]
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and cast parameters and buffers in place.

        Called as ``to(device)``, ``to(dtype)``, ``to(device, dtype)`` or ``to(tensor)``, or with keywords. A dtype
        applies to floating-point parameters and buffers alone: counters and masks keep theirs.

        Returns
        -------
        Module
            This module; its Parameters are the same objects as before, so that an optimizer keeps working.

        Raises
        ------
        TypeError
            If the dtype is neither a floating-point nor a complex type.

        Examples
        --------
        >>> import nbnn, nbnn.nn as nn
        >>> nn.Linear(2, 3).to(nbnn.float64).weight.dtype
        nbnn.float64
        """
        where, kind = _parse_to(args, kwargs)

        def convert(t: Tensor) -> Tensor:
            # what is complex stays so: it would lose its imaginary part
            casts = kind is not None and (t.dtype.is_floating_point or (t.dtype.is_complex and kind.is_complex))
            return t.to(device=t.device if where is None else where, dtype=kind if casts else t.dtype)

        return self._apply(convert)

    def cpu(self) -> Self:
        """Move parameters and buffers to the host's memory."""
        return self.to("cpu")

    def cuda(self, device: int | str | None = None) -> Self:
        """Move parameters and buffers to a CUDA device (the first one unless given)."""
        return self.to("cuda" if device is None else device)

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32."""
        return self.to(float32)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64."""
        return self.to(float64)

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to float16."""
        return self.to(float16)

    def bfloat16(self) -> Self:
        """Cast floating-point parameters and buffers to bfloat16."""
        return self.to(bfloat16)

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers, integer ones too, to `dst_type`.

        Raises
        ------
        TypeError
            If the module has a parameter that wants gradients and `dst_type` is not a floating-point type.
        """
        kind = as_dtype(dst_type, "Module.type")
        for _, module in self.named_modules():
            for name, parameter in module._parameters.items():
                if parameter is not None and parameter.requires_grad and not kind.is_differentiable:
                    raise TypeError(f"Module.type: `dst_type` (={kind}) cannot hold the gradients of {name!r}")
        return self._apply(lambda t: t.to(dtype=kind))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move parameters and buffers to `device` without their values, which are undefined afterwards."""
        return self._apply(lambda t: A.empty(*t.shape, dtype=t.dtype, device=device), recurse)

    def share_memory(self) -> Self:
        """Return this module: threads see its memory anyhow, and nbnn starts no processes of its own."""
        return self
