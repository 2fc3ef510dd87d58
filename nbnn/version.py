"""Versions, under torch's path: of what nbnn is not built against there are none."""

from nbnn._version import __version__ as __version__

cuda: str | None = None
hip: str | None = None
git_version: str | None = None
debug = False
