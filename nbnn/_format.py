"""How a Tensor looks when printed, and in Jupyter."""

from __future__ import annotations

import html as _html
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from nbnn.dtypes import bool_, complex_of, get_default_dtype, int64

if TYPE_CHECKING:
    from nbnn.tensor import Tensor

_PREFIX = "tensor("


_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}
options = SimpleNamespace(**_PROFILES["default"], sci_mode=None)  # how Tensors are printed: see `set_printoptions`


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how Tensors are printed; what is left out stays as it is.

    Parameters
    ----------
    precision : int
        Digits behind the point, 4 at first.
    threshold : float
        Elements up to which all are shown, 1000 at first.
    edgeitems : int
        Elements shown at either end of an axis of a larger Tensor, 3 at first.
    linewidth : int
        Characters of a line, 80 at first.
    profile : {"default", "short", "full"}
        A choice of all of these, which the other arguments change.
    sci_mode : bool
        Print powers of ten, or none; by default as the numbers need them.

    Raises
    ------
    ValueError
        If there is no such profile.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.set_printoptions(precision=2)
    >>> nbnn.tensor([0.1234])
    tensor([0.12])
    >>> nbnn.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: `profile` (={profile!r}) must be one of {', '.join(map(repr, _PROFILES))}")
    chosen = dict(_PROFILES[profile]) if profile is not None else {}
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen.update((name, value) for name, value in given.items() if value is not None)
    for name, value in chosen.items():
        setattr(options, name, value)
    options.sci_mode = sci_mode


def text(t: Tensor) -> str:
    """torch's layout: four decimals, aligned; dtype, device and history where they are not the usual ones."""
    values = t._host_values()
    suffix = []
    if values.size == 0 and t._shape != (0,):
        suffix.append(f"size={t._shape}")
    if t.device.type != "cpu":
        suffix.append(f"device='{t.device}'")
    usual = get_default_dtype()
    if t._dtype not in (usual, complex_of(usual), int64, bool_) or (
        values.size == 0 and t._dtype is not get_default_dtype()
    ):
        suffix.append(f"dtype={t._dtype!r}")
    if t._node is not None:
        suffix.append(f"grad_fn={t._node!r}")
    elif t._leaf_requires_grad:
        suffix.append("requires_grad=True")
    body = _PREFIX + ("[]" if values.size == 0 else _numbers(values, _formatter(values), len(_PREFIX)))
    for item in suffix:
        column = len(body) - body.rfind("\n") + 1
        body += f", {item}" if column + len(item) + 2 <= options.linewidth else f",\n{' ' * len(_PREFIX)}{item}"
    return body + ")"


def _numbers(values: np.ndarray, formatter: Any, indent: int, cut: bool | None = None) -> str:
    """Nested brackets; of a large array the three first and last of each axis."""
    if values.ndim == 0:
        return formatter(values.item())
    cut = values.size > options.threshold if cut is None else cut
    few = cut and len(values) > 2 * options.edgeitems
    shown = [*values[: options.edgeitems], *values[-options.edgeitems :]] if few else list(values)
    if values.ndim > 1:
        parts = [_numbers(v, formatter, indent + 1, cut) for v in shown]
        if few:
            parts.insert(options.edgeitems, "...")
        return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(parts) + "]"
    parts = [formatter(v) for v in shown]
    per_line = max(1, (options.linewidth - indent) // (len(parts[0]) + 2)) if parts else 1
    if few:
        parts.insert(options.edgeitems, " ...")
    lines = [", ".join(parts[k : k + per_line]) for k in range(0, len(parts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _formatter(values: np.ndarray) -> Any:
    """One function that gives every element torch's style and width, chosen by the finite numbers that are not 0."""
    shown = _shown(values)
    if values.dtype.kind == "c":
        return _pair_formatter(_formatter(shown.real), _formatter(shown.imag))
    if values.dtype.kind != "f":
        width = max((len(str(v)) for v in shown), default=1)
        return lambda v: str(v).rjust(width)
    finite = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)  # a half overflows in a ratio
    size = np.abs(finite)
    whole = bool((finite == np.floor(finite)).all())
    small, large = (size.min(), size.max()) if size.size else (1.0, 1.0)
    wide = large / small > 1000 or large > 1e8 or (not whole and small < 1e-4)
    if wide if options.sci_mode is None else options.sci_mode:
        style = f"{{:.{options.precision}e}}"
    else:
        style = "{:.0f}." if whole else f"{{:.{options.precision}f}}"
    width = max((len(style.format(v)) for v in finite), default=1)
    return lambda v: _one(style, float(v)).rjust(width)


def _pair_formatter(real: Any, imag: Any) -> Any:
    def text(z: complex) -> str:
        second = imag(z.imag).lstrip()
        return f"{real(z.real)}{'' if second[0] == '-' else '+'}{second}j"

    return text


def _one(style: str, value: float) -> str:
    return style.format(value) if np.isfinite(value) else str(value)


def _shown(values: np.ndarray) -> np.ndarray:
    """The elements that will be printed: all, or the corners of a large Tensor."""
    if values.size > options.threshold:
        for axis, n in enumerate(values.shape):
            if n > 2 * options.edgeitems:
                values = np.take(values, [*range(options.edgeitems), *range(n - options.edgeitems, n)], axis)
    return values.reshape(-1)


_ROWS, _COLUMNS = 20, 20  # that a table shows
_COUNTED = 10_000_000  # elements up to which looking at a Tensor looks at all of it


def html(t: Tensor) -> str:
    """A line of facts that folds a table of the first rows for matrices, the text for everything else."""
    facts = f"{type(t).__name__} {tuple(t._shape)} · {t._dtype.name} · {t.device}"
    if t._node is not None:
        facts += f" · {t._node!r}"
    elif t._leaf_requires_grad:
        facts += " · requires_grad"
    values = t._host_values()
    if 1 < values.size <= _COUNTED:
        facts += f" · {_range(values)}"
    if t.dim() != 2 or t.numel() == 0 or t._shape[1] > _COLUMNS:
        body = f"<pre>{_html.escape(text(t))}</pre>"
    else:
        body = _table(values[:_ROWS])
        if t._shape[0] > _ROWS:
            body += f"<small>… {t._shape[0] - _ROWS} more rows</small>"
    return f"<details open><summary><small>{_html.escape(facts)}</small></summary>{body}</details>"


def _table(values: np.ndarray) -> str:
    formatter = _formatter(values)
    rows = ("".join(f"<td>{_html.escape(formatter(v))}</td>" for v in row) for row in values)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _range(values: np.ndarray) -> str:
    """Where the finite numbers lie, and how many are not finite."""
    if values.dtype.kind == "b":
        return f"{int(values.sum()):,} of {values.size:,} True"
    if values.dtype.kind == "c":
        return f"sizes: {_range(np.abs(values))}"
    if values.dtype.kind != "f":
        return f"{values.min()} to {values.max()}"
    finite = values[np.isfinite(values)]
    words = (
        [f"{finite.min():.4g} to {finite.max():.4g}, mean {finite.mean(dtype=np.float64):.4g}"] if finite.size else []
    )
    odd = {"NaN": int(np.isnan(values).sum()), "inf": int(np.isinf(values).sum())}
    return ", ".join([*words, *(f"{count:,} {name}" for name, count in odd.items() if count)])
