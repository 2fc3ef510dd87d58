"""Optimizer: groups of parameters with their options, and what is remembered for each parameter."""

from __future__ import annotations

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from nbnn.autograd import enable_grad, no_grad
from nbnn.functional import _check
from nbnn.functional._steps import Plan
from nbnn.functional.creation import as_tensor, fill_, full_like, tensor, zeros_like
from nbnn.sparse import SparseTensor
from nbnn.tensor import Tensor


class _Required:
    """The default of an option that must be given, in optimizers that programs write for themselves."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


class Optimizer:
    """Base of all optimizers.

    Parameters
    ----------
    params : iterable
        Of Tensors; of ``(name, Tensor)`` pairs, as ``module.named_parameters()`` gives; or of dicts, one for each
        group, with the key ``"params"`` and options that differ from `defaults`.
    defaults : dict
        The options of a group that does not say otherwise.

    Attributes
    ----------
    param_groups : list of dict
        The groups; changing an option here (``group["lr"] = 0.01``) changes the steps to come.
    state : dict
        For each parameter, what the optimizer remembers.

    Raises
    ------
    TypeError
        If `params` is a single Tensor, a set (which has no order) or holds anything else.
    ValueError
        If there are no parameters, one is given twice, or one is not a leaf.

    Examples
    --------
    An optimizer of one's own, with the update written out:

    >>> import nbnn
    >>> class Plain(nbnn.optim.Optimizer):
    ...     def update(self, param, grad, state, group):
    ...         param.sub_(grad * group["lr"])
    >>> p = nbnn.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Plain([p], {"lr": 0.5})
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.5, -2.5]
    """

    takes_complex = True  # whether the update of a complex number is that of its parts
    _opt_called = False  # whether a step was made, of which schedulers warn that began before it

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _noticed(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: Iterable, defaults: dict[str, Any]) -> None:
        name = type(self).__name__
        if isinstance(params, Tensor):
            raise TypeError(f"{name}: `params` must be an iterable of Tensors or dicts; got a single Tensor")
        if isinstance(params, Mapping):
            raise TypeError(f"{name}: `params` must be an iterable of Tensors or dicts; got a single {_kind(params)}")
        _refuse_set(name, params)
        self.defaults = dict(defaults)
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._plans: list[Plan] = []  # one for each group
        self.check_options(self.defaults)
        given = list(params)
        if not given:
            raise ValueError(f"{name}: `params` must not be empty")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)
        if not any(group["params"] for group in self.param_groups):
            raise ValueError(f"{name}: `params` must not be empty")

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense; called with the defaults and with every new or loaded group."""

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change `param` in place, without recording it: what an optimizer consists of that needs no `update_group`.

        Parameters
        ----------
        param, grad : Tensor
            A parameter and its gradient.
        state : dict
            What is remembered for this parameter; empty before its first step.
        group : dict
            The options.
        """
        raise NotImplementedError(f"{type(self).__name__}: must define `update`, `update_group` or `step`")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients again; called once, with gradients enabled, before the step.

        Returns
        -------
        object
            What `closure` returned, or None.
        """
        self._opt_called = True
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            while len(self._plans) < len(self.param_groups):
                self._plans.append(Plan())
            for group, plan in zip(self.param_groups, self._plans, strict=False):
                params = [p for p in group["params"] if p._grad is not None]
                if any(p._grad.is_sparse for p in params):
                    params = self._update_sparse(params, group)
                if params:
                    self.update_group(params, [p._grad for p in params], [self.state[p] for p in params], group, plan)
        return loss

    def update_sparse(self, param: Tensor, grad: SparseTensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the rows of `param` of which `grad` has a gradient; what an optimizer that does not say it refuses.

        Parameters
        ----------
        param, state, group
            As for `update`.
        grad : SparseTensor
            Its rows ascend without repetition.

        Raises
        ------
        RuntimeError
            Here: gradients must be dense.
        """
        raise RuntimeError(
            f"{type(self).__name__}: gradients must be dense; got a sparse one of shape {grad._shape}: use SparseAdam, "
            "SGD or Adagrad, or sparse=False"
        )

    def _update_sparse(self, params: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """Change the parameters whose gradients are sparse; returns the others."""
        for param in params:
            if param._grad.is_sparse:  # type: ignore[union-attr]
                self.update_sparse(param, param._grad.coalesce(), self.state[param], group)  # type: ignore[union-attr]
        return [p for p in params if not p._grad.is_sparse]  # type: ignore[union-attr]

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change the parameters of a group: each by `update`, where an optimizer has no launch for all of them.

        Parameters
        ----------
        params, grads : list of Tensor
            The parameters that have a gradient.
        states : list of dict
            What is remembered for each.
        group : dict
            The options.
        plan : Plan
            Where a step function keeps what it knows about the memory of the group.
        """
        for param, grad, state in zip(params, grads, states, strict=True):
            self.update(param, grad, state, group)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_plans"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._plans = []

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Parameters
        ----------
        set_to_none : bool
            Set ``.grad`` to None, which frees its memory; otherwise fill it with zeros.
        """
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param._grad = None
                elif param._grad is not None:
                    sparse = param._grad.is_sparse
                    param._grad = param._grad.zero_() if sparse else fill_(param._grad.detach(), 0)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, for example of layers that are unfrozen later.

        Parameters
        ----------
        param_group : dict
            ``"params"``, a Tensor or an iterable as for the constructor, and options that differ from the defaults.

        Raises
        ------
        TypeError
            If it is no dict or its parameters are no Tensors.
        ValueError
            If it lacks the key, or a parameter is not a leaf or is optimized already. A group of no parameters is one.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}: a parameter group must be a dict; got {_kind(param_group)}")
        if "params" not in param_group:
            raise ValueError(f"{name}: a parameter group must have the key 'params'; got {sorted(param_group)}")
        given = param_group["params"]
        _refuse_set(name, given)
        items = [given] if isinstance(given, Tensor) else list(given)
        group = {**self.defaults, **param_group}
        names, group["params"] = _names_and_tensors(name, items)
        named = any("param_names" in g for g in self.param_groups)
        if items and any(g["params"] for g in self.param_groups) and named != (names is not None):
            raise ValueError(f"{name}: name the parameters of all groups or of none")
        if names is not None:
            group["param_names"] = names
        taken = {id(p) for g in self.param_groups for p in g["params"]}
        for i, param in enumerate(group["params"]):
            label = f"parameter {i}" if names is None else f"parameter {names[i]!r}"
            if param._node is not None:
                raise ValueError(f"{name}: {label} must be a leaf Tensor; this one was computed by {param._node.name}")
            if param._dtype.is_complex and not self.takes_complex:
                raise TypeError(f"{name}: {label} must be real; got {param._dtype!r}; optimize its view_as_real")
            if id(param) in taken:
                raise ValueError(f"{name}: {label} of shape {param._shape} is given twice")
            taken.add(id(param))
        self.check_options(group)
        self.param_groups.append(group)

    def state_shape(self, key: str, param: Tensor) -> tuple[int, ...] | None:
        """The shape that Tensors remembered as `key` for `param` must have; None where any shape will do."""
        return param._shape

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue: ``{"state": {index: {...}}, "param_groups": [{..., "params": [index]}]}``.

        Parameters are numbered in the order of the groups. The Tensors are not copied.
        """
        number = {id(p): i for i, p in enumerate(self._all_params())}
        groups = [
            {**{k: v for k, v in g.items() if k != "params"}, "params": [number[id(p)] for p in g["params"]]}
            for g in self.param_groups
        ]
        state = {number[id(p)] if isinstance(p, Tensor) else p: dict(s) for p, s in self.state.items() if s}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, here or in PyTorch.

        Parameters are matched by their order. Tensors and arrays are copied, and take the dtype and the device of
        their parameter.

        Raises
        ------
        ValueError
            If groups, numbers of parameters or the shape of something remembered do not fit; nothing is changed then.
        """
        name = type(self).__name__
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise ValueError(f"{name}: `state_dict` must have the keys 'state' and 'param_groups'")
        saved = state_dict["param_groups"]
        have, got = [len(g["params"]) for g in self.param_groups], [len(g["params"]) for g in saved]
        if have != got:
            raise ValueError(f"{name}: `state_dict` must have groups of {have} parameters; got {got}")
        by_index = dict(zip((i for g in saved for i in g["params"]), self._all_params(), strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for index, entries in state_dict["state"].items():
            if (param := by_index.get(index)) is None:
                state[index] = copy.deepcopy(entries)
            else:
                state[param] = {
                    k: _adopt(
                        f"{name}: `state_dict` {k!r} of parameter {index}", k, v, param, self.state_shape(k, param)
                    )
                    for k, v in entries.items()
                }
        groups = []
        for old, new in zip(self.param_groups, saved, strict=True):
            options = copy.deepcopy({k: v for k, v in new.items() if k not in ("params", "param_names")})
            groups.append({**old, **options})
            # but for the rate, which a scheduler may have left a little below 0, to go on from there
            self.check_options({**groups[-1], **{k: v for k, v in self.defaults.items() if k == "lr"}})
        self.state, self.param_groups = state, groups

    def _all_params(self) -> list[Tensor]:
        return [p for g in self.param_groups for p in g["params"]]

    def __repr__(self) -> str:
        blocks = []
        for i, group in enumerate(self.param_groups):
            lines = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            blocks.append(f"Parameter Group {i}\n{''.join(lines)}")
        return f"{type(self).__name__} (\n" + "\n".join(blocks) + ")"


def remembered(states: list[dict[str, Any]], key: str, params: list[Tensor]) -> list[Tensor]:
    """A Tensor of each state, made of zeros where it is not there yet."""
    return [s[key] if key in s else s.setdefault(key, zeros_like(p)) for s, p in zip(states, params, strict=True)]


def counted(states: list[dict[str, Any]]) -> list[int]:
    """The number of this step for each parameter, entered in its state."""
    for state in states:
        state["step"] = state.get("step", 0) + 1
    return [state["step"] for state in states]


def refuse_weight_decay(name: str, group: dict[str, Any]) -> None:
    """Refuse an L2 penalty, which has a gradient everywhere, beside a sparse gradient."""
    if group["weight_decay"] != 0:
        raise RuntimeError(
            f"{name}: `weight_decay` (={group['weight_decay']}) must be 0 for a sparse gradient: the penalty is dense"
        )


def refuse_differentiable(name: str, differentiable: bool) -> None:
    """Refuse ``differentiable=True``, which no optimizer of nbnn has."""
    if differentiable:
        raise NotImplementedError(
            f"{name}: differentiable=True is not there: the step changes parameters in place in one kernel, which "
            "autograd does not record; write the update with Tensor arithmetic to differentiate through it"
        )


def filled_like(param: Tensor, value: float) -> Tensor:
    """A Tensor like `param` whose numbers, or the parts of whose complex numbers, all are `value`."""
    return full_like(param, complex(value, value) if param._dtype.is_complex else value)


def numbers(name: str, key: str, value: Any, count: int) -> list[float]:
    """An option that must be `count` numbers."""
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise ValueError(f"{name}: `{key}` (={value}) must be {count} numbers")
    return [_check.number(name, key, v) for v in value]


def non_negative(name: str, options: dict[str, Any], *keys: str) -> None:
    """Refuse options that are not numbers of at least 0."""
    for key in keys:
        if not _check.number(name, key, options[key]) >= 0.0:
            raise ValueError(f"{name}: `{key}` (={options[key]}) must be at least 0")


def betas_below_one(name: str, options: dict[str, Any]) -> None:
    """Refuse decay rates that are not two numbers in [0, 1)."""
    if not all(0.0 <= beta < 1.0 for beta in numbers(name, "betas", options["betas"], 2)):
        raise ValueError(f"{name}: `betas` (={options['betas']}) must be two numbers in [0, 1)")


def _noticed(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` of a subclass, noting that it was called, also where it does not call the one of `Optimizer`."""

    @functools.wraps(step)
    def wrapped(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        return step(self, *args, **kwargs)

    return wrapped


def _kind(value: Any) -> str:
    return type(value).__name__


def _refuse_set(name: str, params: Any) -> None:
    if isinstance(params, (set, frozenset)):
        raise TypeError(f"{name}: `params` must have an order, so that state can be saved; got a {_kind(params)}")


def _names_and_tensors(name: str, items: list[Any]) -> tuple[list[str] | None, list[Tensor]]:
    """The names, if the items are (name, Tensor) pairs, and the Tensors."""
    pairs = [isinstance(item, tuple) and len(item) == 2 for item in items]
    if any(pairs) and not all(pairs):
        raise ValueError(f"{name}: name all parameters of a group or none")
    names = [item[0] for item in items] if items and all(pairs) else None
    tensors = [item[1] for item in items] if all(pairs) else items
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: can optimize Tensors only; got {_kind(t)}")
    return names, tensors


def _adopt(label: str, key: str, value: Any, param: Tensor, shape: tuple[int, ...] | None) -> Any:
    """A copy of a remembered value, with the dtype and on the device of its parameter; a step count as an int."""
    if key == "step":
        return int(float(value))
    if isinstance(value, list):
        return [_adopt(label, "", item, param, shape) for item in value]
    if isinstance(value, Tensor):
        copied = tensor(value.detach(), dtype=param.dtype, device=param.device)
    elif hasattr(value, "__array__"):  # an array, or a Tensor of another library
        copied = as_tensor(np.array(value.__array__()), dtype=param.dtype, device=param.device)
    else:
        return copy.deepcopy(value)
    if copied.ndim and shape is not None and copied._shape != shape:
        whose = "parameter's shape" if shape == param._shape else "shape"
        raise ValueError(f"{label} must have the {whose} {shape}; got {copied._shape}")
    return copied
