"""DataParallel: one Module over shares of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbnn.device import as_device, cuda_device_count
from nbnn.functional import _check
from nbnn.modules import Module
from nbnn.modules.parameter import is_lazy
from nbnn.parallel.apply import parallel_apply
from nbnn.parallel.replicate import replicate
from nbnn.parallel.shares import gather, scatter
from nbnn.tensor import Tensor


class DataParallel(Module):
    """A module that runs its `module` on shares of the batch, one for each entry of `device_ids`.

    On the CPU the shares run on threads, whose kernels do not hold Python's lock, through replicas that share the
    module's parameters. Outputs are put together in the order of the shares and gradients are added up in that order:
    the bits depend on the number of shares, never on the number of threads or on which was faster.

    Kernels use all threads by themselves, so replicas gain nothing over the module alone where its time is spent in
    kernels, and lose where these are short (docs/performance.md has figures). They are for programs that are written
    so, and for a `forward` that spends its time in compiled code of its own on one thread.

    Parameters
    ----------
    module : Module
    device_ids : sequence of int, str or device, optional
        ``["cpu"] * n`` makes n shares on the CPU. By default, as in torch, all GPUs there are; with one GPU or none the
        module is called as it is. nbnn uses one GPU of a process: ``[0]``.
    output_device : int, str or device, optional
        Where the output lies; by default the first of `device_ids`.
    dim : int
        The axis of the batch in inputs and outputs.

    Attributes
    ----------
    module : Module
        The module; its parameters have the prefix ``module.`` in the state_dict.

    Shape
    -----
    input : what `module` takes. Tensors, in nested tuples, lists and mappings too, are cut along `dim`; Tensors without
        axes and anything else go to every replica.
    output : Tensors, or tuples, lists and mappings of them, as `module` returns them for the whole batch

    Raises
    ------
    TypeError
        If `module` is no Module.
    ValueError
        If a device is not there, occurs twice (a GPU), or CPU and GPU are mixed.
    RuntimeError
        On a call while parameters or buffers have no shape yet, or do not lie on the first device.

    Notes
    -----
    Batch normalisation in training mode normalises each share by itself, and its running statistics follow the first.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> model = nn.DataParallel(nn.Linear(4, 2), device_ids=["cpu", "cpu"])
    >>> model(nbnn.ones(5, 4)).shape
    nbnn.Size([5, 2])
    >>> list(model.state_dict())
    ['module.weight', 'module.bias']
    """

    def __init__(
        self, module: Module, device_ids: Sequence[Any] | None = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DataParallel: `module` must be a Module; got {type(module).__name__}")
        self.device_ids = _places(device_ids)
        first = self.device_ids[0] if self.device_ids else None
        self.output_device = first if output_device is None else as_device(output_device)
        if output_device is not None:
            _refuse_missing("output_device", [self.output_device])
        self.dim = _check.integer("DataParallel", "dim", dim)
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        self._require_place()
        if self.device_ids[0].type != "cpu":
            inputs, kwargs = _moved(inputs, self.device_ids[0]), _moved(kwargs, self.device_ids[0])
        if len(self.device_ids) == 1:
            return _moved(self.module(*inputs, **kwargs), self.output_device)
        shares = scatter((inputs, kwargs), self.device_ids, self.dim) if inputs or kwargs else [((), {})]
        if len(shares) == 1:
            return _moved(self.module(*inputs, **kwargs), self.output_device)
        places = self.device_ids[: len(shares)]
        outputs = self.parallel_apply(
            self.replicate(self.module, places), [args for args, _ in shares], [named for _, named in shares]
        )
        return self.gather(outputs, self.output_device)

    def _require_place(self) -> None:
        """Every parameter and buffer must have a shape, and lie on the first device."""
        for name, t in (*self.module.named_parameters(), *self.module.named_buffers()):
            if is_lazy(t):
                raise RuntimeError(
                    f"DataParallel: {name!r} has no shape yet: call the module itself once, on one sample"
                )
            if t.device.type != self.device_ids[0].type:
                raise RuntimeError(
                    f"DataParallel: {name!r} lies on {t.device}, but must lie on the first of `device_ids`, "
                    f"{self.device_ids[0]}: call module.to({str(self.device_ids[0])!r})"
                )

    def replicate(self, module: Module, device_ids: Sequence[Any]) -> list[Module]:
        """One replica of the module for each device: `nbnn.parallel.replicate`."""
        return replicate(module, device_ids)

    def parallel_apply(self, replicas: Sequence[Any], inputs: Sequence[Any], kwargs: Any) -> list[Any]:
        """Call the replicas, each with its share: `nbnn.parallel.parallel_apply`."""
        return parallel_apply(replicas, inputs, kwargs, self.device_ids[: len(replicas)])

    def gather(self, outputs: Sequence[Any], output_device: Any) -> Any:
        """Put the outputs together: `nbnn.parallel.gather`."""
        return gather(outputs, output_device, self.dim)

    def extra_repr(self) -> str:
        return f"device_ids={[str(place) for place in self.device_ids]}"


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call `module` once as `DataParallel` does.

    Parameters
    ----------
    module : Module
    inputs : tuple or object
        The positional arguments, or a single one.
    device_ids, output_device, dim
        As for `DataParallel`.
    module_kwargs : dict, optional
        The named arguments.

    Returns
    -------
    object
        The output for the whole batch.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nbnn.parallel.data_parallel(nn.ReLU(), nbnn.tensor([-1.0, 2.0]), ["cpu", "cpu"])
    tensor([0., 2.])
    """
    args = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*args, **(module_kwargs or {}))


def _places(device_ids: Sequence[Any] | None) -> list[Any]:
    """The devices, checked; none where the module is to be called as it is."""
    if device_ids is None:
        return [as_device("cuda:0")] if cuda_device_count() else []
    if isinstance(device_ids, (str, int)) or not isinstance(device_ids, Sequence):
        raise TypeError(f"DataParallel: `device_ids` (={device_ids!r}) must be a list of devices")
    places = [as_device(place) for place in device_ids]
    _refuse_missing("device_ids", places)
    kinds = {place.type for place in places}
    if len(kinds) > 1 or (kinds == {"cuda"} and len(places) > 1):
        names = ", ".join(map(str, places))
        raise ValueError(f"DataParallel: `device_ids` must be one GPU, or 'cpu' any number of times; got {names}")
    return places


def _refuse_missing(argument: str, places: list[Any]) -> None:
    """Name the GPUs that are not there, or that nbnn cannot reach."""
    count = cuda_device_count() if any(place.type == "cuda" for place in places) else 0
    missing = [str(place) for place in places if place.type == "cuda" and (place.index or 0) >= count]
    if missing:
        there = ", ".join(["cpu", *(f"cuda:{i}" for i in range(count))])
        raise ValueError(
            f"DataParallel: `{argument}` names {', '.join(missing)}, not on this machine; there are {there}; "
            "device_ids=['cpu'] * n makes n shares on the CPU"
        )
    beyond = [str(place) for place in places if place.type == "cuda" and (place.index or 0) > 0]
    if beyond:
        raise ValueError(f"DataParallel: `{argument}` names {', '.join(beyond)}; nbnn uses cuda:0 alone")


def _moved(value: Any, place: Any) -> Any:
    """The Tensors in nested tuples, lists and mappings on a device."""
    if isinstance(value, Tensor):
        return value.to(place)
    if isinstance(value, dict):
        return type(value)((key, _moved(item, place)) for key, item in value.items())
    if isinstance(value, (tuple, list)) and not hasattr(value, "batch_sizes"):
        entries = [_moved(item, place) for item in value]
        return type(value)(*entries) if hasattr(value, "_fields") else type(value)(entries)
    return value
