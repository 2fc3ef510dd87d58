"""These tests need a process of their own: Numba reads NUMBA_ENABLE_CUDASIM once, when it is imported.

tests/test_cuda.py starts that process, with the simulator or, by NBNN_TEST_GPU=1, on a real GPU.
"""

import os

if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1" and os.environ.get("NBNN_TEST_GPU") != "1":
    collect_ignore_glob = ["test_*.py"]
