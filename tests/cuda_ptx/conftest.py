"""These tests put a device that only takes notes in the place of CUDA: they need a process of their own.

tests/test_cuda.py starts it where the CUDA toolkit's compilers are installed.
"""

import os

if os.environ.get("NBNN_TEST_PTX") != "1":
    collect_ignore_glob = ["*.py"]
