"""Calls from compiled code to a kernel's own machine code, instead of a copy of it.

Numba gives a caller a copy of the compiled callee and optimises both together again: a user's function of one `linear`
cost 3 seconds, with other instructions than the eager call, and a user's cache kept them when the kernel had changed.
A *linked* function is called at its address instead: 0.2 s, the eager instructions. The address is a constant of the
compiled function, an `Entry`, which Numba stores and loads beside the code; loading it finds, or compiles, the function
in this process.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from nbnn import _jit
from nbnn.kernels._cpu import Kernel

_LINKED: dict[str, Any] = {}  # compiled functions and kernels by name
_HERE = Path(__file__).resolve().parent


@functools.cache
def source_digest() -> str:
    """Of what Numba compiles into a user's function, or into what that calls: this room and the geometry rules."""
    h = hashlib.sha256()
    for path in [*sorted(_HERE.glob("*.py")), _HERE.parent / "functional" / "_rules.py", _HERE.parent / "_version.py"]:
        h.update(path.read_bytes())
    return h.hexdigest()[:24]


class Entry(int):
    """The address of a linked function for given argument types."""

    name: str
    args: tuple
    result: Any

    def __reduce__(self) -> tuple:
        return _load_entry, (source_digest(), self.name, self.args, self.result)


def _entry(name: str, args: tuple) -> Entry:
    dispatcher = _LINKED[name]
    if isinstance(dispatcher, Kernel):
        dispatcher = dispatcher.cpu
    dispatcher.compile(args)
    compiled = dispatcher.overloads[args]
    entry = Entry(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
    entry.name, entry.args, entry.result = name, args, compiled.signature.return_type
    return entry


def _load_entry(digest: str, name: str, args: tuple, result: Any) -> Entry:
    """An Entry from a cache; an OSError makes Numba compile the caller again, as if the file were gone."""
    import nbnn.compile  # noqa: F401  (fills _LINKED)

    if digest != source_digest() or name not in _LINKED:
        raise OSError("compiled for another version of nbnn")
    entry = _entry(name, args)
    if entry.result != result:
        raise OSError("compiled for another version of nbnn")
    return entry


def nopython(function: Callable) -> Any:
    """Compile what stands between a user's compiled code and the kernels: it makes the outputs and the workspaces."""
    return _jit.jit(function, allocates=True)


def linked(target: Any) -> Callable:
    """What nopython code calls as ``function((arg, ...))`` to run a compiled function, or the loop of a Kernel."""
    source = (target.body if isinstance(target, Kernel) else target).py_func
    name = f"{source.__module__}.{source.__qualname__}"
    _LINKED[name] = target

    def typing(typingctx, args):  # type: ignore[no-untyped-def]
        kinds = tuple(map(types.unliteral, args))
        entry = _entry(name, kinds)

        def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
            function_type = context.call_conv.get_function_type(entry.result, kinds)
            function = _address(context, builder, entry, function_type)
            items = cgutils.unpack_tuple(builder, values[0])
            status, result = context.call_conv.call_function(builder, function, entry.result, kinds, items)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return result

        return entry.result(types.Tuple(kinds)), codegen

    typing.__name__ = source.__name__
    return intrinsic(typing)


def _address(context: Any, builder: Any, entry: Entry, function_type: ir.FunctionType) -> Any:
    """The constant `entry` as a pointer to a function. Needs no GIL: it reads Python objects that never change."""
    constants = context.get_env_manager(builder)
    number = constants.read_const(constants.add_const(entry))
    pointer = context.get_python_api(builder).long_as_voidptr(number)
    return builder.bitcast(pointer, function_type.as_pointer())
