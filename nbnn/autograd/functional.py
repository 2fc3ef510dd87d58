"""Whole derivatives of functions of Tensors, under torch's path ``torch.autograd.functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn.autograd._backward import grad
from nbnn.autograd._tape import enable_grad
from nbnn.tensor import Tensor

__all__ = ["hessian", "hvp", "jacobian", "vhp", "vjp"]


def _leaves(inputs: Any, create_graph: bool) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether there were several inputs, and each as a Tensor that gradients can be asked for."""
    many = isinstance(inputs, (tuple, list))
    given = tuple(inputs) if many else (inputs,)
    if create_graph:
        return many, tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in given)
    return many, tuple(x.detach().requires_grad_() for x in given)


def jacobian(func: Callable, inputs: Any, create_graph: bool = False, **options: Any) -> Any:
    """All partial derivatives of a function: row by row, each by one walk back.

    Parameters
    ----------
    func : callable
        Of Tensors, to a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple of Tensor
    create_graph : bool
        Record the derivatives, so that they can be differentiated.

    Returns
    -------
    Tensor of shape (*output, *input)
        A tuple of them for several inputs, and a tuple of those for several outputs.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.autograd.functional.jacobian(lambda x: x * x, nbnn.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    from nbnn.functional.joining import stack
    from nbnn.functional.shape import reshape

    with enable_grad():
        several, xs = _leaves(inputs, create_graph)
        results = func(*xs)
        outs = results if isinstance(results, (tuple, list)) else (results,)
        found = []
        for out in outs:
            flat = reshape(out, (-1,))
            keep = {"retain_graph": True, "create_graph": create_graph, "materialize_grads": True}
            rows = [grad(flat[k], xs, **keep) for k in range(flat.numel())] if out.requires_grad else []
            parts = [
                reshape(stack([row[i] for row in rows]), (*out.shape, *x.shape))
                if rows
                else x.new_zeros((*out.shape, *x.shape))
                for i, x in enumerate(xs)
            ]
            found.append(tuple(parts) if several else parts[0])
    return tuple(found) if isinstance(results, (tuple, list)) else found[0]


def hessian(func: Callable, inputs: Any, create_graph: bool = False, **options: Any) -> Any:
    """All second derivatives of a function that gives one number.

    Parameters
    ----------
    func : callable
    inputs : Tensor or tuple of Tensor
    create_graph : bool
        Record the derivatives, so that they can be differentiated.

    Returns
    -------
    Tensor of shape (*input, *input), or a tuple of tuples of them

    Examples
    --------
    >>> import nbnn
    >>> nbnn.autograd.functional.hessian(lambda x: (x * x * x).sum(), nbnn.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """

    def slopes(*xs: Tensor) -> Any:
        first = jacobian(func, xs, create_graph=True)
        return first if isinstance(inputs, (tuple, list)) else first[0]

    return jacobian(slopes, inputs, create_graph)


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, **options: Any) -> tuple[Any, Any]:
    """A function's value, and the derivatives of its product with `v`.

    Parameters
    ----------
    func : callable
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, optional
        Of the shapes of the outputs; may be left out where that is one number.
    create_graph : bool

    Returns
    -------
    (outputs, derivatives)

    Examples
    --------
    >>> import nbnn
    >>> nbnn.autograd.functional.vjp(lambda x: x * x, nbnn.tensor([1.0, 2.0]), nbnn.ones(2))[1]
    tensor([2., 4.])
    """
    with enable_grad():
        several, xs = _leaves(inputs, create_graph)
        out = func(*xs)
        outs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
        found = grad(outs, xs, v, create_graph=create_graph, materialize_grads=True)
    if not create_graph:
        out = tuple(o.detach() for o in outs) if isinstance(out, (tuple, list)) else out.detach()
    return out, found if several else found[0]


def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, **options: Any) -> tuple[Any, Any]:
    """A function's value, one number, and its second derivatives times `v`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.autograd.functional.vhp(lambda x: (x * x * x).sum(), nbnn.tensor([1.0, 2.0]), nbnn.ones(2))[1]
    tensor([ 6., 12.])
    """
    with enable_grad():
        several, xs = _leaves(inputs, create_graph)
        out = func(*xs)
        slopes = grad(out, xs, create_graph=True, materialize_grads=True)
        weights = tuple(v) if isinstance(v, (tuple, list)) else (v,)
        pairs = [(s, w) for s, w in zip(slopes, weights, strict=True) if s is not None and s.requires_grad]
        if pairs:
            terms, factors = zip(*pairs, strict=True)
            second = grad(terms, xs, factors, create_graph=create_graph, materialize_grads=True)
        else:
            second = tuple(x.new_zeros(x.shape) for x in xs)
    return out if create_graph else out.detach(), second if several else second[0]


hvp = vhp  # second derivatives are symmetric
