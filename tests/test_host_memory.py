"""Memory that is used again: when it comes back, that nothing in use is given out, and how much is kept."""

import gc
import importlib
import os
import threading

import numpy as np
import pytest

import nbnn
from nbnn import autograd
from nbnn.device import HostMemory

device_module = importlib.import_module("nbnn.device")  # `nbnn.device` is the class

LARGE = 1 << 17  # elements: well above the size from which blocks are kept


def fresh_pool(limit=1 << 24):
    return HostMemory(limit)


def test_large_memory_is_used_again_when_its_last_user_is_gone():
    pool = fresh_pool()
    a = pool.empty(LARGE, np.dtype(np.float32))
    where = a.ctypes.data
    assert where % 64 == 0 and a.flags.c_contiguous and a.flags.aligned and a.flags.writeable and a.size == LARGE
    assert pool.idle_bytes == 0
    del a
    assert pool.idle_bytes >= 4 * LARGE
    b = pool.empty(LARGE - 1, np.dtype(np.float32))
    assert b.ctypes.data == where and pool.idle_bytes == 0


@pytest.mark.parametrize(
    "export",
    [
        lambda t: t[1:3],
        lambda t: t.t(),
        lambda t: t.detach(),
        lambda t: t.numpy(),
        lambda t: t.numpy()[3:5, 1:].T,
        lambda t: memoryview(t.numpy()),
        lambda t: np.from_dlpack(t),
        lambda t: nbnn.from_dlpack(t),
        lambda t: nbnn.from_numpy(t.numpy()),
        lambda t: (t.clone().requires_grad_() * t).grad_fn,
        lambda t: (t.requires_grad_() * 2).grad_fn,
    ],
)
def test_memory_is_not_used_again_while_anything_refers_to_it(export):
    t = nbnn.empty(LARGE // 256, 256).fill_(7.0)
    where = t.data_ptr()
    kept = export(t)
    del t
    others = [nbnn.empty(LARGE // 256, 256).fill_(1.0) for _ in range(20)]
    assert all(o.data_ptr() != where for o in others)
    if not isinstance(kept, autograd.Node):
        assert (np.asarray(kept) == 7.0).all()
    del kept, others
    gc.collect()


def test_idle_memory_is_bounded_and_the_longest_idle_goes_first():
    pool = fresh_pool(limit=24 * LARGE)
    kind = np.dtype(np.float32)
    a, b, c = (pool.empty(4 * LARGE // n, kind) for n in (1, 2, 2))
    where = [x.ctypes.data for x in (a, b, c)]
    del a, b, c
    assert 0 < pool.idle_bytes <= 24 * LARGE
    kept = [pool.empty(2 * LARGE, kind) for _ in range(2)]
    assert [x.ctypes.data for x in kept] == where[:0:-1]
    del kept
    pool.clear()
    assert pool.idle_bytes == 0 and not pool.out


def test_small_blocks_are_a_quarter_of_the_limit():
    pool = fresh_pool(limit=16 * LARGE)
    kind = np.dtype(np.float32)
    many = [pool.empty(LARGE // 4, kind) for _ in range(20)]
    assert pool.small <= 4 * LARGE and len(pool.out) < len(many)
    del many
    assert 0 < pool.idle_bytes <= 4 * LARGE
    pool.clear()
    assert pool.idle_bytes == pool.small == 0 and not pool.out


def test_empty_cache_leaves_what_is_in_use():
    t = nbnn.full((LARGE,), 3.0)
    del_me = nbnn.empty(LARGE)
    del del_me
    nbnn.empty_cache()
    assert device_module.host_memory.idle_bytes == 0
    assert (t.numpy() == 3.0).all()


@pytest.mark.parametrize("size", [LARGE // 8, 4 * LARGE])
def test_threads_share_the_idle_memory(size):
    pool = fresh_pool(limit=40 * LARGE)
    wrong = []

    def work(number):
        for turn in range(200):
            a = pool.empty(size + turn % 3 * 5000, np.dtype(np.float32))
            a[::1000] = number
            b = a[5:]
            del a
            if not (b[995::1000] == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert pool.idle_bytes == pool.small + pool.idle_large <= 40 * LARGE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_starts_with_nothing_idle():
    pool = device_module.host_memory
    kept = nbnn.full((LARGE,), 3.0)
    gone = nbnn.empty(LARGE)
    del gone
    with pool.lock:
        child = os.fork()
        if child == 0:
            fine = pool.idle_bytes == 0 and pool.lock.acquire(timeout=1) and (kept.numpy() == 3.0).all()
            os._exit(0 if fine and (nbnn.empty(LARGE).fill_(1.0).numpy() == 1.0).all() else 1)
    assert os.waitpid(child, 0)[1] == 0
