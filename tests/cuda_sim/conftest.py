"""These tests need a process of their own: Numba reads NUMBA_ENABLE_CUDASIM once, when it is imported.

tests/test_cuda.py starts that process, with the simulator or, by NBNN_TEST_GPU=1, on a real GPU.
"""

import os
import sys

if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    # The threads of a block wait for each other by turns of Python's lock, which is held for 5 ms at a time.
    sys.setswitchinterval(1e-5)

if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1" and os.environ.get("NBNN_TEST_GPU") != "1":
    collect_ignore_glob = ["test_*.py"]
