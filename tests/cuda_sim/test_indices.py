"""Indices out of range on CUDA: an IndexError that names the place, when the host next waits, and no fault.

Named after the reports of device-side asserts that ended the process or said nothing of where.
"""

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from nbnn.kernels import _cuda


def on_cuda(values, dtype=None):
    return nbnn.tensor(values, dtype=dtype, device="cuda")


TABLE = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_issue_16027_embedding_names_tensor_position_value_and_range():
    out = F.embedding(on_cuda([[0, 1], [2, 7]]), on_cuda(TABLE))  # the call itself does not wait
    with pytest.raises(IndexError, match=r"^embedding: `input`\[1, 1\] \(=7\) must be in \[0, 2\]"):
        out.cpu()
    # the device goes on, and so does the very result: what was out of range was read as row 0
    np.testing.assert_array_equal(out.cpu().numpy(), TABLE[[[0, 1], [2, 0]]])
    np.testing.assert_array_equal(F.embedding(on_cuda([2]), on_cuda(TABLE)).cpu().numpy(), TABLE[[2]])


def test_issue_19120_the_first_bad_index_of_the_first_call_is_reported_once():
    weight = on_cuda(TABLE).requires_grad_()
    F.embedding(on_cuda([0, 1]), weight)
    F.embedding(on_cuda([0, -1, 5]), weight)
    F.embedding(on_cuda([9]), weight)
    with pytest.raises(IndexError, match=r"`input`\[1\] \(=-1\)"):
        nbnn.cuda.synchronize()
    nbnn.cuda.synchronize()


def test_issue_21825_targets_of_cross_entropy():
    x = on_cuda(np.zeros((3, 4), np.float32)).requires_grad_()
    loss = F.cross_entropy(x, on_cuda([0, 4, 1]))
    with pytest.raises(IndexError, match=r"^cross_entropy: `target`\[1\] \(=4\) must be in \[0, 3\]"):
        loss.item()
    good = F.cross_entropy(x, on_cuda([0, -100, 1]))  # what is ignored is in order
    assert good.item() == pytest.approx(np.log(4), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, i: nbnn.gather(x, 1, i), r"gather: `index`\[0, 1\] \(=2\) must be in \[0, 1\] for axis 1"),
        (lambda x, i: nbnn.index_select(x, 1, i[0]), r"index_select: `index`\[1\] \(=2\) must be in \[0, 1\]"),
        (lambda x, i: F.max_unpool1d(x[:1], i, 1), r"max_unpool1d: `indices`\[0, 1\] \(=2\)"),
        (lambda x, i: F.nll_loss(x, i[0].repeat(2)[:3]), r"nll_loss: `target`\[1\] \(=2\) must be in \[0, 1\]"),
    ],
)  # fmt: skip
def test_other_indices(call, message):
    out = call(on_cuda(TABLE), on_cuda([[0, 2]]))
    with pytest.raises(IndexError, match=message):
        out.cpu()


def test_more_calls_than_slots():
    for _ in range(_cuda.Watch.SLOTS):
        F.embedding(on_cuda([1]), on_cuda(TABLE))
    nbnn.cuda.synchronize()
    F.embedding(on_cuda([3]), on_cuda(TABLE))
    for _ in range(_cuda.Watch.SLOTS - 1):
        F.embedding(on_cuda([1]), on_cuda(TABLE))
    with pytest.raises(IndexError, match=r"`input`\[0\] \(=3\)"):
        F.embedding(on_cuda([1]), on_cuda(TABLE))


def test_an_empty_table_is_refused_at_once():
    with pytest.raises(IndexError, match=r"`input`\[0\] \(=0\)"):
        F.embedding(on_cuda([0]), nbnn.zeros(0, 2, device="cuda"))
