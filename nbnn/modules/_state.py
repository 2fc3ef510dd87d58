"""state_dict and load_state_dict: the numbers of a tree of modules by name, and taking them in all or nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nbnn.autograd import no_grad
from nbnn.functional import array as A
from nbnn.modules._hooks import Hook, HookHandle
from nbnn.modules.parameter import is_lazy
from nbnn.tensor import Parameter, Tensor

if TYPE_CHECKING:
    from nbnn.modules.module import Module

_EXTRA = "_extra_state"


class Mismatch(NamedTuple):
    """A key whose value in the state_dict has another shape than the module's."""

    key: str
    expected: tuple[int, ...]
    got: tuple[int, ...]


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class LoadReport(_Keys):
    """What `load_state_dict` found; unpacks into ``missing_keys, unexpected_keys``.

    Attributes
    ----------
    missing_keys : list of str
        Those the module has and the state_dict has not.
    unexpected_keys : list of str
        Those the state_dict has and the module has not.
    mismatched : list of Mismatch
        Those of another shape: key, the module's shape (`expected`), the state_dict's (`got`).

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3, bias=False).state_dict(), strict=False)
    <1 missing key: 'bias'>
    """

    mismatched: list[Mismatch]

    def __new__(cls, missing_keys: list[str], unexpected_keys: list[str], mismatched: list[Mismatch]) -> LoadReport:
        report = super().__new__(cls, missing_keys, unexpected_keys)
        report.mismatched = mismatched
        return report

    def __getnewargs__(self) -> tuple:
        return (*self, self.mismatched)

    def lines(self) -> list[str]:
        """One line for each kind of problem and for each mismatched key."""
        found = []
        for what, keys in (("missing", self.missing_keys), ("unexpected", self.unexpected_keys)):
            if keys:
                found.append(f"{len(keys)} {what} {'key' if len(keys) == 1 else 'keys'}: {', '.join(map(repr, keys))}")
        found += [
            f"mismatched {key!r}: the module has shape {a}, the state_dict has {b}" for key, a, b in self.mismatched
        ]
        return found

    def __repr__(self) -> str:
        return f"<{'; '.join(self.lines()) or 'All keys matched successfully'}>"


class _Place(NamedTuple):
    """A parameter or buffer of the tree, and the value to put there."""

    registry: dict[str, Any]
    name: str
    value: Tensor


class _Plan:
    """What one load would do, made by looking only."""

    def __init__(self, root: Any, state: dict[str, Any], strict: bool | str) -> None:
        self.state = state
        self.strict = strict
        self.places: list[_Place] = []
        self.extra: list[tuple[Any, Any]] = []
        self.modules: list[Any] = []
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.mismatched: list[Mismatch] = []
        self.errors: list[str] = []
        self._used: set[str] = set()
        self._visit(root, "")
        self.unexpected += [key for key in state if key not in self._used]

    def _visit(self, module: Any, prefix: str) -> None:
        for hook in module._hooks_of("load_pre"):
            hook.call(module, self.state, prefix, {}, self.strict is True, self.missing, self.unexpected, self.errors)
        self.modules.append(module)
        for registry, name in module._persistent():
            self._match(registry, name, prefix + name)
        if module._has_extra_state("set_extra_state") and self._take(prefix + _EXTRA):
            self.extra.append((module, self.state[prefix + _EXTRA]))
        for name, child in module._modules.items():
            if child is not None:
                self._visit(child, f"{prefix}{name}.")

    def _take(self, key: str) -> bool:
        if key in self.state:
            self._used.add(key)
            return True
        if key.rpartition(".")[2] != "num_batches_tracked":  # state dicts of before PyTorch 0.4.1 lack it
            self.missing.append(key)
        return False

    def _match(self, registry: dict[str, Any], name: str, key: str) -> None:
        if not self._take(key):
            return
        value = self.state[key]
        if not isinstance(value, Tensor):
            if not hasattr(value, "__array__"):
                self.errors.append(f"{key!r} must be a Tensor or an array; got {type(value).__name__}")
                return
            try:
                value = A.as_tensor(value)
            except (TypeError, ValueError, RuntimeError) as error:
                self.errors.append(f"{key!r} cannot become a Tensor: {error}")
                return
        if is_lazy(value):
            if not is_lazy(registry[name]):
                self.errors.append(f"{key!r} has no shape yet in the state_dict; the module's is initialised")
            return
        got = tuple(value.shape)
        expected = got if is_lazy(registry[name]) else tuple(registry[name].shape)
        if expected == got:
            self.places.append(_Place(registry, name, value))
        else:
            self.mismatched.append(Mismatch(key, expected, got))

    def report(self) -> LoadReport:
        return LoadReport(self.missing, self.unexpected, self.mismatched)

    def refusal(self) -> list[str]:
        """The lines of the problems that forbid this load."""
        keys = (self.missing, self.unexpected) if self.strict is True else ([], [])
        shapes = [] if self.strict == "report" else self.mismatched
        return [*LoadReport(*keys, shapes).lines(), *self.errors]

    def carry_out(self, assign: bool) -> None:
        # By the id of what is replaced: tied parameters stay tied. It is all held meanwhile: no id comes twice.
        assigned: dict[int, Tensor] = {}
        present_ones = [registry[name] for registry, name, _ in self.places]
        for (registry, name, value), present in zip(self.places, present_ones, strict=True):
            if not assign:
                if is_lazy(present):
                    present.materialize(value.shape)
                present.copy_(value)
                continue
            if isinstance(present, Parameter) and id(present) not in assigned:
                value = value if isinstance(value, Parameter) else Parameter(value, requires_grad=False)
                value.requires_grad_(present.requires_grad)
            registry[name] = assigned.setdefault(id(present), value)
        for module, state in self.extra:
            module.set_extra_state(state)


class State:
    """The methods of Module that give and take its numbers."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _add_hook: Callable[..., HookHandle]
    _hooks_of: Callable[[str], list[Hook]]

    def get_extra_state(self) -> Any:
        """What the state_dict keeps besides parameters and buffers: for a subclass to define."""
        raise NotImplementedError(f"{type(self).__name__}: get_extra_state is for a subclass to define")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave: for a subclass to define."""
        raise NotImplementedError(f"{type(self).__name__}: set_extra_state is for a subclass to define")

    def _has_extra_state(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(State, method)

    def _persistent(self) -> list[tuple[dict[str, Any], str]]:
        """The registries and names of this module's own parameters and buffers that a state_dict holds."""
        left_out = self._non_persistent_buffers_set
        found: list[tuple[dict[str, Any], str]]
        found = [(self._parameters, name) for name, p in self._parameters.items() if p is not None]
        found += [(self._buffers, name) for name, b in self._buffers.items() if b is not None and name not in left_out]
        return found

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Write this module's own parameters and buffers into `destination`."""
        for registry, name in self._persistent():
            destination[prefix + name] = registry[name] if keep_vars else registry[name].detach()
        if self._has_extra_state("get_extra_state"):
            destination[prefix + _EXTRA] = self.get_extra_state()

    def state_dict(
        self, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """The parameters and persistent buffers of this module and all inside it, by dotted name.

        Parameters
        ----------
        destination : dict, optional
            Where to write; a new OrderedDict unless given.
        prefix : str
            Put before every name.
        keep_vars : bool
            Whether to give the Parameters themselves; by default Tensors that share their memory, outside the graph.

        Returns
        -------
        OrderedDict
            `destination`.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> list(nn.Linear(2, 3).state_dict())
        ['weight', 'bias']
        """
        destination = OrderedDict() if destination is None else destination
        for hook in self._hooks_of("state_dict_pre"):
            hook.call(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._hooks_of("state_dict"):
            hook.call(self, destination, prefix, {})
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool | str = True, assign: bool = False
    ) -> LoadReport:
        """Take parameters and buffers from a state_dict: all of them or, where something does not fit, none.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            NumPy arrays, and the Tensors of other libraries on the host, are taken too.
        strict : bool, "shapes" or "report"
            True: keys and shapes must all agree. False or ``"shapes"``: keys may be missing or unexpected, shapes must
            agree. ``"report"``: load what fits and return the rest in the report.
        assign : bool
            Whether the Tensors of `state_dict` themselves take the places of the module's (with their `requires_grad`),
            instead of having their values copied and cast into them.

        Returns
        -------
        LoadReport
            With `missing_keys`, `unexpected_keys` and `mismatched`.

        Raises
        ------
        RuntimeError
            If something does not fit: lists everything at once, and nothing was loaded. Shapes are never broadcast.
        TypeError, ValueError
            If `state_dict` is not a mapping or `strict` none of these.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> model = nn.Linear(2, 3)
        >>> model.load_state_dict(nn.Linear(2, 3).state_dict())
        <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: `state_dict` must be a mapping; got {type(state_dict).__name__}")
        if strict is not True and strict is not False and strict not in ("shapes", "report"):
            raise ValueError(f"load_state_dict: `strict` (={strict!r}) must be True, False, 'shapes' or 'report'")
        plan = _Plan(self, OrderedDict(state_dict), strict)
        if refusal := plan.refusal():
            lines = "".join(f"\n  {line}" for line in refusal)
            raise RuntimeError(f"load_state_dict: {type(self).__name__} cannot load this; nothing was changed.{lines}")
        with no_grad():
            plan.carry_out(assign)
        report = plan.report()
        for module in plan.modules:
            for hook in module._hooks_of("load"):
                hook.call(module, report)
        return report

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> HookHandle:
        """Call ``hook(module, prefix, keep_vars)`` before this module writes its state_dict."""
        return self._add_hook("state_dict_pre", Hook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> HookHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after this module wrote its state_dict."""
        return self._add_hook("state_dict", Hook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> HookHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``.

        It runs before this module looks for its keys and may edit `state_dict`, which is a copy of the caller's: rename
        the keys of an older version, for example. `local_metadata` is empty.
        """
        return self._add_hook("load_pre", Hook(hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> HookHandle:
        """Call ``hook(module, report)`` after a load that was not refused."""
        return self._add_hook("load", Hook(hook))
