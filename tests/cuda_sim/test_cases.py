"""Every case of every family on CUDA, or in its simulator: values and gradients are those of the CPU."""

import importlib

import pytest

from tests import engine

FAMILIES = (
    "activation", "array", "attention", "combination", "comparison", "convolution", "division", "dropout",
    "elementwise_loss", "embedding", "linear", "logic", "loss", "normalization", "padding", "piecewise", "pointwise",
    "pooling", "power", "product", "rectifier", "recurrent", "rounding", "softmax", "trigonometry", "vision",
)  # fmt: skip
CASES = [case for family in FAMILIES for case in importlib.import_module(f"tests.cases.{family}").CASES if case.cuda]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case):
    engine.cuda(case)
