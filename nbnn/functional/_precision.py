"""How precisely products of float32 matrices are computed: the setting, and which op stands for another under it."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.kernels import linear_bf16
from nbnn.op import Op

MODES = {"highest": 0, "high": 3, "medium": 1}  # products of bfloat16 numbers for one of float32; 0: float32 itself


class _State:
    """What was asked for, and the products for one that this machine computes then."""

    mode = "highest"
    terms = 0


state = _State()
_twins: dict[tuple[Op, int], Op] = {}


def twin(op: Op, entries: dict[int, Any], workspace: Any) -> None:
    """Let `op` have the fast paths `entries` (by number of products) where less precision is asked for."""
    for terms, fast in entries.items():
        _twins[op, terms] = Op(
            op.name,
            op.kernel,
            grad=op.grad,
            shape=op.shape,
            dtypes=op.dtypes,
            count=op.count,
            work=op.work,
            saves_inputs=op.saves_inputs,
            saves_outputs=op.saves_outputs,
            fast=fast,
            workspace=workspace,
        )


def chosen(op: Op, kind: dtypes.dtype, m: int, n: int, k: int) -> Op:
    """`op`, or its twin for matrices of these sizes and this dtype."""
    if state.terms == 0 or kind is not dtypes.float32 or min(m, n, k) < linear_bf16.SMALLEST:
        return op
    return _twins[op, state.terms]


def set_float32_matmul_precision(precision: str) -> None:
    r"""Let products of float32 matrices on the CPU be computed from bfloat16 numbers, several times faster.

    It holds for `matmul`, `linear` and their gradients, at the time each of them runs, where every size of the product
    (rows, columns, and what is summed over) is at least 32. Other types, smaller products, CUDA, and CPUs without AMX
    are not affected.

    Parameters
    ----------
    precision : {"highest", "high", "medium"}
        - "highest", the default: float32 throughout.
        - "medium": each number is rounded to bfloat16, :math:`\hat x` with 8 bits, and
          :math:`y = \sum_k \hat a_k \hat b_k` is summed in float32.
        - "high": each number is split, :math:`x \approx \hat x + \check x`, where :math:`\check x` is
          :math:`x - \hat x` rounded to bfloat16, and
          :math:`y = \sum_k \hat a_k \hat b_k + \hat a_k \check b_k + \check a_k \hat b_k`.

        The error is at most :math:`\epsilon \sum_k |a_k| |b_k|` plus that of summing in float32, with
        :math:`\epsilon` about :math:`2^{-8}` for "medium" and :math:`2^{-16}` for "high". Numbers and terms below
        1.2e-38 count as 0. With "high", an infinite input (or one above 3.39e38, which rounds to infinity) gives NaN.

    Raises
    ------
    ValueError
        If `precision` is none of these.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.set_float32_matmul_precision("medium")
    >>> x = nbnn.ones(64, 64) @ nbnn.ones(64, 64)
    >>> x[0, 0]
    tensor(64.)
    >>> nbnn.set_float32_matmul_precision("highest")
    """
    if not isinstance(precision, str) or precision not in MODES:
        raise ValueError(
            f"set_float32_matmul_precision: `precision` (={precision!r}) must be one of {', '.join(map(repr, MODES))}"
        )
    state.mode = precision
    state.terms = MODES[precision] if precision != "highest" and linear_bf16.available() else 0


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given last: "highest", "high" or "medium".

    Examples
    --------
    >>> import nbnn
    >>> nbnn.get_float32_matmul_precision()
    'highest'
    """
    return state.mode
