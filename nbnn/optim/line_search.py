"""A line search for the strong Wolfe conditions: how far to go in a direction of descent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from nbnn.tensor import Tensor

DECREASE, CURVATURE = 1e-4, 0.9  # the constants of the two conditions, as is usual for quasi-Newton methods


@dataclass(frozen=True)
class Point:
    """A place on the line: its distance t, the loss and the gradient there, and the loss's slope along the line."""

    t: float
    loss: float
    grad: Tensor
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], start: Point, first: float, reach: float, tries: int, tolerance: float = 1e-9
) -> tuple[Point, int]:
    r"""Find a point where the loss f has fallen enough and its slope is small enough ([1]_, algorithms 3.5 and 3.6).

    .. math::
        f(t) \le f(0) + 10^{-4}\, t f'(0), \qquad |f'(t)| \le 0.9\, |f'(0)|

    Parameters
    ----------
    at : callable
        Gives the Point at a distance.
    start : Point
        The one at 0, with a negative slope.
    first : float
        The distance to try first.
    reach : float
        The largest change of a parameter for t = 1.
    tries : int
        How many further points may be tried.
    tolerance : float
        The search ends where it could change no parameter by more.

    Returns
    -------
    point : Point
        The one found, or the best one.
    evaluations : int
        How many points were tried.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright, "Numerical optimization", 2nd edition, Springer 2006.

    Examples
    --------
    >>> from nbnn.optim.line_search import Point, strong_wolfe
    >>> def parabola(t):
    ...     return Point(t, (t - 3.0) ** 2, None, 2.0 * (t - 3.0))
    >>> point, evaluations = strong_wolfe(parabola, parabola(0.0), first=10.0, reach=1.0, tries=20)
    >>> point.t, evaluations
    (3.0, 2)
    """
    last, here = start, at(first)
    for done in range(tries):
        if _too_high(here, start) or (done > 1 and here.loss >= last.loss):
            return _zoom(at, start, last, here, reach, tries - done, tolerance, done + 1)
        if abs(here.slope) <= -CURVATURE * start.slope:
            return here, done + 1
        if here.slope >= 0:
            return _zoom(at, start, last, here, reach, tries - done, tolerance, done + 1)
        farther = _minimum(last, here, here.t + 0.01 * (here.t - last.t), 10.0 * here.t)
        last, here = here, at(farther)
    return min(start, here, key=lambda point: point.loss), tries + 1


def _too_high(here: Point, start: Point) -> bool:
    return here.loss > start.loss + DECREASE * here.t * start.slope


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    a: Point,
    b: Point,
    reach: float,
    tries: int,
    tolerance: float,
    done: int,
) -> tuple[Point, int]:
    """Narrow the bracket between two points, of which one has the lower loss and slopes towards the other."""
    low, high = (a, b) if a.loss <= b.loss else (b, a)
    stalled = False
    for _ in range(tries):
        left, right = min(low.t, high.t), max(low.t, high.t)
        if (right - left) * reach < tolerance:
            break
        t = _minimum(low, high, left, right)
        # near an end of the bracket for the second time: a tenth of it inwards, so that the bracket shrinks
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (stalled or t >= right or t <= left):
            t = right - margin if right - t < t - left else left + margin
            near = False
        stalled = near
        here = at(t)
        done += 1
        if _too_high(here, start) or here.loss >= low.loss:
            low, high = (low, here) if low.loss <= here.loss else (here, low)
            continue
        if abs(here.slope) <= -CURVATURE * start.slope:
            return here, done
        if here.slope * (high.t - low.t) >= 0:
            high = low
        low = here
    return low, done


def _minimum(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic through two points, with their slopes, is lowest, in [least, most]; its middle without such."""
    a, b = (a, b) if a.t <= b.t else (b, a)
    width = b.t - a.t
    if width > 0:
        bend = a.slope + b.slope + 3.0 * (a.loss - b.loss) / width
        square = bend * bend - a.slope * b.slope
        root = math.sqrt(square) if square >= 0 else math.nan
        divisor = b.slope - a.slope + 2.0 * root
        if divisor != 0 and not math.isnan(divisor):
            return min(max(b.t - width * (b.slope + root - bend) / divisor, least), most)
    return (least + most) / 2.0
