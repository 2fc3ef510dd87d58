"""Run a program written for PyTorch with nbnn: its ``import torch`` gives nbnn."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import traceback

from nbnn._as_torch import as_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("program", help="the file to run, unchanged")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program is given")


def run(args: argparse.Namespace) -> int:
    """Run the program as Python would; an exception in it is printed with its traceback and gives exit code 1."""
    if not os.path.isfile(args.program):
        raise FileNotFoundError(f"there is no file {args.program!r}")
    argv, path = sys.argv, list(sys.path)
    sys.argv = [args.program, *args.arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(args.program))
    try:
        with as_torch():
            runpy.run_path(args.program, run_name="__main__")
    except Exception:  # of the program, not of this command
        traceback.print_exc()
        return 1
    finally:
        sys.argv, sys.path[:] = argv, path
    return 0
