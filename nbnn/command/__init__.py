"""The commands of ``python -m nbnn``, a file each: what it is about, `add_arguments` and `run`."""
