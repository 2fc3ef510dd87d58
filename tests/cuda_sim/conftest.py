"""These tests need a process of their own: Numba reads NUMBA_ENABLE_CUDASIM once, when it is imported.

tests/test_cuda.py starts that process, with the simulator or, by NBNN_TEST_GPU=1, on a real GPU.
"""

import os
import sys
import threading


class Allocations(dict):
    """The shared arrays of a block by the line that asks: who finds none keeps the others waiting until it has made it.

    In the simulator's own dict two threads that ask at once are given an array each, and what one writes the other
    does not see.
    """

    def __init__(self):
        super().__init__()
        self.making = threading.Lock()

    def get(self, place):
        self.making.acquire()
        found = super().get(place)
        if found is not None:
            self.making.release()
        return found

    def __setitem__(self, place, array):
        super().__setitem__(place, array)
        self.making.release()


if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    # The threads of a block wait for each other by turns of Python's lock, which is held for 5 ms at a time.
    sys.setswitchinterval(1e-5)
    with_size = FakeCUDAShared.__init__

    def with_allocations(self, dynshared_size):
        with_size(self, dynshared_size)
        self._allocations = Allocations()

    FakeCUDAShared.__init__ = with_allocations

if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1" and os.environ.get("NBNN_TEST_GPU") != "1":
    collect_ignore_glob = ["test_*.py"]
