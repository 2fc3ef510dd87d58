"""nbnn.summary: the layers of a model with shapes, parameters, multiply-adds and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from nbnn.autograd import no_grad
from nbnn.dtypes import get_default_dtype
from nbnn.functional import _check
from nbnn.functional.creation import as_tensor, rand, zeros
from nbnn.generator import Generator
from nbnn.modules import Module
from nbnn.modules.parameter import is_lazy
from nbnn.op import add_frame
from nbnn.tensor import Tensor
from nbnn.utils._multiply_adds import count


@dataclass
class Layer:
    """One line of a `Summary`; sums are over the layer and all inside it, each parameter once."""

    path: str
    kind: str
    depth: int
    output_shapes: list[tuple[int, ...]] = field(default_factory=list)
    params: int = 0
    trainable_params: int = 0
    mult_adds: int = 0
    calls: int = 0
    shared: bool = False
    inside: list[Layer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    def walk(self) -> Iterator[Layer]:
        """The layer and all inside it, in order."""
        yield self
        for layer in self.inside:
            yield from layer.walk()


@dataclass
class Summary:
    """What `summary` found: printed, a table; in Jupyter, a table that folds.

    Attributes
    ----------
    total_params, trainable_params : int
        Numbers in the parameters, each parameter counted once however many layers share it.
    total_mult_adds : int
        Multiply-adds of one forward, every call of a layer counted.
    input_bytes, param_bytes, activation_bytes : int
        Memory of the inputs; of parameters and buffers; of the outputs of all layers without layers inside, which is
        about what training keeps for backward.
    layers : list of Layer
        All lines in order: `path`, `kind`, `depth`, `output_shapes`, `params`, `trainable_params`, `mult_adds`,
        `calls`, `shared`.
    """

    root: Layer
    total_params: int
    trainable_params: int
    input_bytes: int
    param_bytes: int
    activation_bytes: int
    max_depth: int | None = None

    @property
    def total_mult_adds(self) -> int:
        """Multiply-adds of one forward."""
        return self.root.mult_adds

    @property
    def non_trainable_params(self) -> int:
        """Numbers in frozen parameters."""
        return self.total_params - self.trainable_params

    @property
    def total_bytes(self) -> int:
        """Inputs, parameters, buffers and activations together."""
        return self.input_bytes + self.param_bytes + self.activation_bytes

    @property
    def layers(self) -> list[Layer]:
        """All lines in order."""
        return list(self.root.walk())

    def _shown(self, layer: Layer) -> bool:
        return self.max_depth is None or layer.depth <= self.max_depth

    def __str__(self) -> str:
        rows = [("Layer", *_HEADS)]
        rows += [("  " * x.depth + _label(x), *_columns(x)) for x in self.layers if self._shown(x)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join([*map(str.ljust, row[:2], widths), *map(str.rjust, row[2:], widths[2:])]) for row in rows]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *(line.rstrip() for line in lines[1:]), rule, *self._totals()])

    __repr__ = __str__

    def _totals(self) -> list[str]:
        return [
            f"Parameters: {self.total_params:,} ({self.trainable_params:,} trainable)",
            f"Multiply-adds: {self.total_mult_adds:,}",
            f"Memory: input {_size(self.input_bytes)}, parameters and buffers {_size(self.param_bytes)}, "
            f"activations {_size(self.activation_bytes)}, total {_size(self.total_bytes)}",
        ]

    def _repr_html_(self) -> str:
        head = _cells("<b>Layer</b>", [f"<b>{name}</b>" for name in _HEADS])
        totals = "".join(f"<div>{escape(line)}</div>" for line in self._totals())
        return (
            f'<div style="font-family: monospace; white-space: nowrap"><div style="display: flex">{head}</div>'
            f'{self._entry(self.root)}<div style="border-top: 1px solid; margin-top: 0.3em">{totals}</div></div>'
        )

    def _entry(self, layer: Layer) -> str:
        name = f"{escape(layer.name)}: " if layer.name else ""
        mark = "&#9656; " if layer.inside else ""
        row = _cells(f"{mark}{name}<b>{escape(layer.kind)}</b>", list(map(escape, _columns(layer))), layer.depth)
        style = 'style="display: flex"'
        if not layer.inside:
            return f"<div {style}>{row}</div>"
        inside = "".join(map(self._entry, layer.inside))
        opened = " open" if self.max_depth is None or layer.depth < self.max_depth else ""
        return f'<details{opened}><summary {style} title="click to fold">{row}</summary>{inside}</details>'


_HEADS = ("Output shape", "Parameters", "Trainable", "Multiply-adds")


def _label(layer: Layer) -> str:
    return f"{layer.name}: {layer.kind}" if layer.name else layer.kind


def _columns(layer: Layer) -> tuple[str, str, str, str]:
    shapes = ", ".join(map(str, layer.output_shapes)) or "-"
    if layer.calls > 1:
        shapes += f" x {layer.calls}"
    if layer.shared:
        return shapes, "(shared)", "", ""
    trained = "-" if not layer.params else "all" if layer.trainable_params == layer.params else "none"
    if 0 < layer.trainable_params < layer.params:
        trained = f"{layer.trainable_params:,}"
    return shapes, f"{layer.params:,}" if layer.params else "-", trained, f"{layer.mult_adds:,}" if layer.calls else "-"


def _cells(first: str, others: Sequence[str], depth: int = 0) -> str:
    """One line of the page: a name that moves in with its depth, and columns that stay where they are."""
    cells = [f'<span style="width: 22em; padding-left: {depth * 1.5}em; box-sizing: border-box">{first}</span>']
    widths = ("16em", "9em", "8em", "11em")
    cells += [
        f'<span style="width: {width}; text-align: {"left" if width == "16em" else "right"}">{text}</span>'
        for width, text in zip(widths, others, strict=True)
    ]
    return "".join(cells)


def _size(nbytes: int) -> str:
    """A number of bytes as a person reads it."""
    value, unit = float(nbytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{nbytes} B" if unit == "B" else f"{value:.2f} {unit}"


def summary(
    model: Module,
    input_size: Any = None,
    *,
    input_data: Any = None,
    dtypes: Any = None,
    device: Any = None,
    depth: int | None = None,
) -> Summary:
    """The layers of a model as a table: output shapes, parameters, multiply-adds and memory.

    The model runs once on made-up inputs, in evaluation mode and without recording; its mode, its hooks and the state
    of the random numbers are afterwards what they were. (A lazy module gets its parameters from that run, as from any
    other.) Multiply-adds are counted by the types of the layers: linear, convolutions, recurrent, attention,
    normalisation and their kin; what a `forward` of your own computes by functions is not seen.

    Parameters
    ----------
    model : Module
    input_size : tuple of int, or list of them, optional
        The shape of each input, with the batch axis. Without it, and without `input_data`, nothing runs and parameters
        alone are counted.
    input_data : Tensor, sequence or mapping, optional
        The inputs themselves: one, several, or by argument's name.
    dtypes : dtype or list of dtype, optional
        The type of each made-up input; integers are zeros. By default that of the first floating-point parameter.
    device : device, optional
        Where the inputs lie; by default where the first parameter does.
    depth : int, optional
        How many levels of layers are shown; all by default.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError
        If `model` is no Module, or both kinds of inputs are given.
    ValueError
        If a size is negative, or there is not one dtype for each input.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nbnn.summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), (32, 4))
    Layer        Output shape  Parameters  Trainable  Multiply-adds
    ---------------------------------------------------------------
    Sequential   (32, 8)               40        all          1,024
      0: Linear  (32, 8)               40        all          1,024
      1: ReLU    (32, 8)                -          -              0
    ---------------------------------------------------------------
    Parameters: 40 (40 trainable)
    Multiply-adds: 1,024
    Memory: input 512 B, parameters and buffers 160 B, activations 2.00 KiB, total 2.66 KiB
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: `model` must be a Module; got {type(model).__name__}")
    if input_size is not None and input_data is not None:
        raise TypeError("summary: `input_size` and `input_data` exclude each other")
    if depth is not None:
        _check.integer("summary", "depth", depth, 0)
    args, kwargs = _inputs(model, input_size, input_data, dtypes, device)
    run = _Run(model)
    if args or kwargs:
        run.forward(args, kwargs)
    root = run.layer("", model, 0)
    known = [p for p in model.parameters() if not is_lazy(p)]
    kept = [*known, *(b for b in model.buffers() if not is_lazy(b))]
    return Summary(
        root=root,
        total_params=root.params,
        trainable_params=root.trainable_params,
        input_bytes=sum(t.nbytes for t in _tensors([args, kwargs])),
        param_bytes=sum(t.nbytes for t in kept),
        activation_bytes=run.activation_bytes,
        max_depth=depth,
    )


def _inputs(model: Module, size: Any, data: Any, dtypes: Any, device: Any) -> tuple[tuple, dict[str, Any]]:
    """The positional and the named arguments of the run."""
    first = next((p for p in model.parameters() if not is_lazy(p)), None)
    where = device if device is not None or first is None else first.device
    if size is not None:
        return tuple(_made_up(_shapes(size), dtypes, first, where)), {}
    if data is None:
        return (), {}
    if dtypes is not None:
        raise TypeError("summary: `dtypes` are those of made-up inputs; `input_data` has its own")
    if isinstance(data, Mapping):
        return (), {name: _on(value, where) for name, value in data.items()}
    several = isinstance(data, (tuple, list)) and not hasattr(data, "_fields")
    return tuple(_on(value, where) for value in (data if several else [data])), {}


def _on(value: Any, where: Any) -> Any:
    """An array or a Tensor on the model's device; anything else as it is."""
    if hasattr(value, "__array__") and not isinstance(value, Tensor):
        value = as_tensor(value)
    return value.to(where) if isinstance(value, Tensor) and where is not None else value


def _shapes(size: Any) -> list[tuple[int, ...]]:
    """One shape or several, as several."""
    if isinstance(size, int) or not isinstance(size, Sequence):
        raise TypeError(f"summary: `input_size` (={size!r}) must be a tuple of ints or a list of such tuples")
    one = all(not isinstance(n, Sequence) for n in size)
    shapes = [size] if one else list(size)
    for shape in shapes:
        if not isinstance(shape, Sequence) or isinstance(shape, str):
            raise TypeError(f"summary: `input_size` (={size!r}) must be a tuple of ints or a list of such tuples")
    return [tuple(_check.integer("summary", "input_size", n, 0) for n in shape) for shape in shapes]


def _made_up(shapes: list[tuple[int, ...]], dtypes: Any, first: Any, where: Any) -> Iterator[Tensor]:
    """Inputs of these shapes, from random numbers of their own."""
    usual = first.dtype if first is not None and first.dtype.is_floating_point else get_default_dtype()
    kinds = [usual] * len(shapes) if dtypes is None else list(dtypes) if isinstance(dtypes, (tuple, list)) else None
    kinds = [dtypes] * len(shapes) if kinds is None else kinds
    if len(kinds) != len(shapes):
        raise ValueError(f"summary: `dtypes` has {len(kinds)} types for {len(shapes)} inputs")
    source = Generator().manual_seed(0)
    for shape, kind in zip(shapes, kinds, strict=True):
        if kind is None or kind.is_floating_point:
            yield rand(shape, generator=source).to(where, kind or usual)
        else:
            yield zeros(shape, dtype=kind, device=where)


def _tensors(value: Any) -> Iterator[Tensor]:
    """The Tensors in nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(item)


@dataclass
class _Seen:
    """What the calls of one module came to."""

    shapes: list[tuple[int, ...]]
    calls: int = 0
    mult_adds: int = 0


class _Run:
    """One forward of a model with an eye on each of its modules."""

    def __init__(self, model: Module) -> None:
        self.model = model
        self.seen: dict[int, _Seen] = {}
        self.activation_bytes = 0
        self._inside: list[tuple[Module, tuple]] = []  # the modules whose forward is running, and their arguments
        self._listed: set[int] = set()

    def forward(self, args: tuple, kwargs: dict[str, Any]) -> None:
        """Call the model; its modes and hooks are put back whatever happens."""
        modes = [(m, m.training) for m in self.model.modules()]
        handles = []
        self.model.eval()
        try:
            for module, _ in modes:
                handles.append(module.register_forward_pre_hook(self._enter(module), prepend=True))
                handles.append(module.register_forward_hook(self._leave(module), with_kwargs=True))
            with no_grad():
                self.model(*args, **kwargs)
        except Exception as error:
            raise self._framed(error)  # noqa: B904  (the same exception, with a note)
        finally:
            for handle in handles:
                handle.remove()
            for module, mode in modes:
                module.training = mode

    def _framed(self, error: Exception) -> Exception:
        """The error with a note of the innermost module that was running."""
        if not self._inside:
            return error
        paths = {id(m): path for path, m in self.model.named_modules()}
        module, args = self._inside[-1]
        name = f"{type(module).__name__} {paths.get(id(module)) or '(the model)'}"
        return add_frame(error, name, tuple(_tensors(args)), "while summary ran")

    def _enter(self, module: Module) -> Callable:
        return lambda _module, args: self._inside.append((module, args))

    def _leave(self, module: Module) -> Callable:
        leaf = not module._modules

        def leave(_module: Any, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
            self._inside.pop()
            found = list(_tensors(output))
            seen = self.seen.setdefault(id(module), _Seen([tuple(t.shape) for t in found]))
            seen.calls += 1
            seen.mult_adds += count(module, args, kwargs, output)
            if leaf:
                self.activation_bytes += sum(t.nbytes for t in found)

        return leave

    def layer(self, path: str, module: Module, depth: int) -> Layer:
        """The line of a module, with those inside it."""
        seen = self.seen.get(id(module), _Seen([]))
        line = Layer(path, type(module).__name__, depth, seen.shapes, calls=seen.calls)
        if id(module) in self._listed:
            line.shared = True
            return line
        self._listed.add(id(module))
        known = [p for p in module.parameters() if not is_lazy(p)]
        line.params = sum(p.numel() for p in known)
        line.trainable_params = sum(p.numel() for p in known if p.requires_grad)
        dot = path + "." if path else ""
        children = [(name, m) for name, m in module._modules.items() if m is not None]
        line.inside = [self.layer(dot + name, m, depth + 1) for name, m in children]
        line.mult_adds = seen.mult_adds + sum(x.mult_adds for x in line.inside)
        return line
