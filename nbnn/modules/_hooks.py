"""Functions that run before and after a module's forward, and on its way back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from nbnn.autograd import Function, HookHandle
from nbnn.tensor import Tensor


class Hook(NamedTuple):
    """A registered function, and how it wants to be called."""

    call: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class _Tap(Function):
    """The identity on several Tensors; on the way back ``look`` sees all their gradients and may change them."""

    @staticmethod
    def forward(ctx: Any, look: Callable[[tuple], tuple], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.look = look
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple:
        return (None, *ctx.look(gradients))


def _wants_gradient(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _tap(values: tuple, look: Callable[[tuple], tuple]) -> tuple:
    """`values` with the Tensors among them tapped; ``look`` sees one gradient per value, None where there is none."""
    places = [i for i, value in enumerate(values) if _wants_gradient(value)]

    def spread(gradients: tuple) -> tuple:
        everywhere: list[Tensor | None] = [None] * len(values)
        for i, gradient in zip(places, gradients, strict=True):
            everywhere[i] = gradient
        seen = look(tuple(everywhere))
        return tuple(seen[i] for i in places)

    result = list(values)
    for i, t in zip(places, _Tap.apply(spread, *(values[i] for i in places)), strict=True):
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
        self._inputs_seen = bool(self._full) and any(map(_wants_gradient, args))
        return _tap(args, self._at_inputs) if self._inputs_seen else args

    def outputs(self, output: Any) -> Any:
        values = output if isinstance(output, tuple) else (output,)
        if not any(map(_wants_gradient, values)):
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


_CALL_KINDS = ("forward_pre", "forward", "backward_pre", "backward")


class Hooks:
    """The methods of Module that register hooks, and the call that runs them."""

    _hooked = False  # whether a call may have hooks to run: the only question that a call without hooks asks
    _hooks: dict[str, dict[int, Hook]]  # by kind and number; a kind is there once it had a hook
    forward: Callable[..., Any]

    def _hooks_of(self, kind: str) -> list[Hook]:
        return list(self._hooks.get(kind, {}).values())

    def _add_hook(self, kind: str, hook: Hook, prepend: bool = False) -> HookHandle:
        if not callable(hook.call):
            raise TypeError(f"{type(self).__name__}: `hook` must be callable; got {type(hook.call).__name__}")
        hooks = self._hooks.setdefault(kind, {})
        earlier = dict(hooks) if prepend else {}
        for number in earlier:
            del hooks[number]
        handle = HookHandle(hooks, hook)  # type: ignore[arg-type]
        hooks.update(earlier)
        self._hooked = self._hooked or kind in _CALL_KINDS
        return handle

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

        `grad_output` is a tuple with one gradient, or None, per output; a tuple or Tensor that the hook returns takes
        its place.
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
        if not any(self._hooks.get(kind) for kind in _CALL_KINDS):  # their handles took them off
            self._hooked = False
            return self.forward(*args, **kwargs)
        left = self._hooks_of("forward")
        try:
            return self._run_hooks(args, kwargs, left)
        except Exception:
            for hook in (h for h in left if h.always_call):
                try:
                    hook.call(self, args, kwargs, None) if hook.with_kwargs else hook.call(self, args, None)
                except Exception as second:  # the first error is the one to raise
                    name = type(self).__name__
                    warnings.warn(f"{name}: a forward hook with always_call raised {second!r}", stacklevel=3)
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
