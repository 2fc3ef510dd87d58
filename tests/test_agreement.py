"""Agreement with torch on what a comparison on broadly generated inputs found: see `tests/cases/agreement.py`."""

import numpy as np
import pytest

import nbnn
from tests import engine
from tests.case import NBNN, Names
from tests.cases.agreement import ERRORS, FOUND, PLAIN


@pytest.fixture(params=["value", "parity"])
def library(request):
    """The names of nbnn, or of torch where it is installed."""
    if request.param == "value":
        return NBNN
    torch = engine.load_torch()
    return Names(torch.nn.functional, torch)


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of old spellings
@pytest.mark.parametrize(("call", "dtype", "elements"), [f[1:] for f in FOUND], ids=[f[0] for f in FOUND])
def test_elements(library, call, dtype, elements):
    got = call(library).detach()
    assert str(got.dtype).split(".")[-1] == dtype
    wanted = np.asarray(elements)
    assert tuple(got.shape) == wanted.shape
    np.testing.assert_allclose(got.numpy().astype(float), wanted.astype(float), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("call", "wanted"), [p[1:] for p in PLAIN], ids=[p[0] for p in PLAIN])
def test_plain(library, call, wanted):
    assert call(library) == wanted


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def test_drawing_ends_the_history():
    x = nbnn.ones(3, requires_grad=True)
    y = x * 2
    y[1:].normal_()
    (y * 3).sum().backward()
    assert x.grad.tolist() == [6.0, 0.0, 0.0]
