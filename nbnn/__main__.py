"""``python -m nbnn``: what runs here, whether it runs right, programs for PyTorch, and compiling ahead of time."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nbnn.command import check, info, run, warmup


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m nbnn", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (info, check, run, warmup):
        name = module.__name__.rpartition(".")[2]
        about = (module.__doc__ or "").strip()
        sub = commands.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; bad input is one line on stderr and exit code 2."""
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except (OSError, ValueError, TypeError, ImportError, AttributeError) as error:
        text = "; ".join([str(error), *getattr(error, "__notes__", [])])  # notes say where in the model it happened
        print(f"python -m nbnn {args.command}: {text}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
