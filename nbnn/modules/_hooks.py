"""Functions that run before and after a module's forward, and on its way back."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from nbnn.autograd import Function
from nbnn.tensor import Tensor

_numbers = itertools.count()


class Hook(NamedTuple):
    """A registered function, and how it wants to be called."""

    call: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class HookHandle:
    """What a ``register_*`` method returns: takes its hook off again, by `remove` or at the end of a ``with`` block.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.Linear(2, 3)
    >>> with layer.register_forward_hook(lambda module, args, output: print(output.shape)):
    ...     _ = layer(nbnn.ones(4, 2))
    nbnn.Size([4, 3])
    >>> _ = layer(nbnn.ones(4, 2))
    """

    def __init__(self, module: Hooks, kind: str, number: int) -> None:
        self._module = weakref.ref(module)
        self._kind = kind
        self._number = number

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        module = self._module()
        if module is not None:
            module._remove_hook(self._kind, self._number)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class _Tap(Function):
    """The identity on several Tensors: shows their gradients to ``look``, all at once, and passes on what it returns."""

    @staticmethod
    def forward(ctx: Any, look: Callable[[tuple], tuple], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.look = look
        ctx.set_materialize_grads(False)
        return tuple(t.view(t.shape) for t in tensors)  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple:
        return (None, *ctx.look(gradients))


def _tap(values: tuple, look: Callable[[tuple], tuple]) -> tuple:
    """`values` with the Tensors among them tapped; ``look`` sees one gradient per value, None where there is none."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]

    def spread(gradients: tuple) -> tuple:
        everywhere: list[Tensor | None] = [None] * len(values)
        for i, gradient in zip(places, gradients, strict=True):
            everywhere[i] = gradient
        seen = look(tuple(everywhere))
        return tuple(seen[i] for i in places)

    tapped = _Tap.apply(spread, *(values[i] for i in places))
    result = list(values)
    for i, t in zip(places, tapped if isinstance(tapped, tuple) else (tapped,), strict=True):
        result[i] = t
    return tuple(result)


class _WayBack:
    """The backward hooks of one call of a module."""

    def __init__(self, module: Hooks) -> None:
        self._module = module
        self._pre = module._hooks_of("backward_pre")
        self._full = module._hooks_of("backward")
        self._gradients: tuple = ()
        self._inputs_seen = False
        self._n_inputs = 0

    def _run(self, hooks: list[Hook], which: str, gradients: tuple, *more: tuple) -> tuple:
        for hook in hooks:
            changed = hook.call(self._module, gradients, *more)
            if changed is None:
                continue
            changed = changed if isinstance(changed, tuple) else (changed,)
            if len(changed) != len(gradients):
                raise RuntimeError(
                    f"{type(self._module).__name__}: a backward hook returned {len(changed)} gradients in place of "
                    f"the {len(gradients)} of `{which}`"
                )
            gradients = changed
        return gradients

    def inputs(self, args: tuple) -> tuple:
        self._n_inputs = len(args)
        self._inputs_seen = bool(self._full) and any(isinstance(a, Tensor) and a.requires_grad for a in args)
        return _tap(args, self._at_inputs) if self._inputs_seen else args

    def outputs(self, output: Any) -> Any:
        values = output if isinstance(output, tuple) else (output,)
        if not any(isinstance(v, Tensor) and v.requires_grad for v in values):
            return output
        values = _tap(values, self._at_outputs)
        return values if isinstance(output, tuple) else values[0]

    def _at_outputs(self, gradients: tuple) -> tuple:
        self._gradients = self._run(self._pre, "grad_output", gradients)
        if self._full and not self._inputs_seen:  # no input wants a gradient: there is no later moment
            self._run(self._full, "grad_input", (None,) * self._n_inputs, self._gradients)
        return self._gradients

    def _at_inputs(self, gradients: tuple) -> tuple:
        return self._run(self._full, "grad_input", gradients, self._gradients)


class Hooks:
    """The methods of Module that register hooks, and the call that runs them."""

    _hooked = False  # whether a call has hooks to run: the only question a call without hooks asks
    _hooks: dict[str, dict[int, Hook]]  # by kind and number; a kind is there once it had a hook
    forward: Callable[..., Any]

    def _hooks_of(self, kind: str) -> list[Hook]:
        return list(self._hooks.get(kind, {}).values())

    def _add_hook(self, kind: str, hook: Hook, prepend: bool = False) -> HookHandle:
        if not callable(hook.call):
            raise TypeError(f"register: `hook` must be callable; got {type(hook.call).__name__}")
        number = next(_numbers)
        hooks = self._hooks.setdefault(kind, {})
        first = [] if prepend else list(hooks.items())
        last = list(hooks.items()) if prepend else []
        hooks.clear()
        hooks.update([*first, (number, hook), *last])
        self._find_whether_hooked()
        return HookHandle(self, kind, number)

    def _remove_hook(self, kind: str, number: int) -> None:
        self._hooks[kind].pop(number, None)
        self._find_whether_hooked()

    def _find_whether_hooked(self) -> None:
        kinds = ("forward_pre", "forward", "backward_pre", "backward")
        self._hooked = any(self._hooks.get(kind) for kind in kinds)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call ``hook(module, args)`` before every forward.

        Parameters
        ----------
        hook : callable
            May return the arguments to use instead: a tuple, or one value for a single argument.
        prepend : bool
            Whether it runs before those registered earlier.
        with_kwargs : bool
            Whether it is called as ``hook(module, args, kwargs)`` and returns None or a pair ``(args, kwargs)``.

        Returns
        -------
        HookHandle
            Takes the hook off.
        """
        return self._add_hook("forward_pre", Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> HookHandle:
        """Call ``hook(module, args, output)`` after every forward.

        Parameters
        ----------
        hook : callable
            May return an output to use instead.
        prepend : bool
            Whether it runs before those registered earlier.
        with_kwargs : bool
            Whether it is called as ``hook(module, args, kwargs, output)``.
        always_call : bool
            Whether it runs, with output None, even where forward raises.

        Returns
        -------
        HookHandle
            Takes the hook off.
        """
        return self._add_hook("forward", Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the module's outputs are known.

        `grad_output` is a tuple with one gradient, or None, per output; a tuple or Tensor that the hook returns takes its
        place.
        """
        return self._add_hook("backward_pre", Hook(hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the module's inputs are known.

        Both are tuples with one gradient, or None, per positional argument and per output. A tuple or Tensor that the
        hook returns takes the place of `grad_input`. Where no input requires a gradient the hook runs as soon as
        `grad_output` is known.
        """
        return self._add_hook("backward", Hook(hook), prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """The older name of `register_full_backward_hook`, with the same contract."""
        return self.register_full_backward_hook(hook)

    def _call_hooked(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        left = self._hooks_of("forward")
        try:
            return self._run_hooks(args, kwargs, left)
        except Exception:
            for hook in (h for h in left if h.always_call):
                try:
                    hook.call(self, args, kwargs, None) if hook.with_kwargs else hook.call(self, args, None)
                except Exception as second:  # the first error is the one to raise
                    warnings.warn(f"{type(self).__name__}: a forward hook with always_call raised {second!r}", stacklevel=3)
            raise

    def _run_hooks(self, args: tuple, kwargs: dict[str, Any], left: list[Hook]) -> Any:
        """The call with its hooks; forward hooks leave `left` when they run."""
        for hook in self._hooks_of("forward_pre"):
            if not hook.with_kwargs:
                changed = hook.call(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
            elif (changed := hook.call(self, args, kwargs)) is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{type(self).__name__}: a forward pre-hook with kwargs must return None or (args, kwargs); "
                        f"got {changed!r}"
                    )
                args, kwargs = changed
        way_back = _WayBack(self) if self._hooks.get("backward") or self._hooks.get("backward_pre") else None
        if way_back:
            args = way_back.inputs(args)
        output = self.forward(*args, **kwargs)
        while left:
            hook = left.pop(0)
            changed = hook.call(self, args, kwargs, output) if hook.with_kwargs else hook.call(self, args, output)
            output = output if changed is None else changed
        return way_back.outputs(output) if way_back else output
