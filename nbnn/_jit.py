"""The one door to Numba and to numba.cuda.

Everything that nbnn compiles passes through here: the flags every kernel is compiled with, the cache that
may never serve stale code, and the lazy import of `numba.cuda`. No other room chooses a flag or a cache.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import logging
import os
import pickle
import re
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import compiler, config, sigutils
from numba.core import serialize as _serialize
from numba.core.ccallback import CFunc
from numba.extending import register_jitable

_log = logging.getLogger("nbnn")
_HERE = Path(__file__).resolve().parent

# NaN and infinity keep their meaning: 'contract' allows fused multiply-add and nothing else, which is enough for LLVM
# to vectorise a polynomial exp (0.52 ns an element against 0.49 with every flag).
_FLAGS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract"},
    "nogil": True,
    "_nrt": False,
    "no_cfunc_wrapper": True,
    "forceinline": False,  # else a kernel compiled first from a user's function takes that function's option
}


class Stats:
    """What compiling has cost this process: read by the benchmarks and by the cache tests."""

    def __init__(self) -> None:
        self.compiled = 0
        self.loaded = 0
        self.seconds = 0.0


stats = Stats()


def _build_digest() -> str:
    """Digest of what changes the code of every kernel: this file, the versions, Numba's settings, the lanes."""
    h = hashlib.sha256()
    for path in (_HERE / "_jit.py", _HERE / "_version.py"):
        h.update(path.read_bytes())
    lanes = os.environ.get("NBNN_SIMD_LANES")  # read by kernels/_simd when it is imported
    h.update(repr((numba.__version__, sys.version_info[:3], config.OPT, config.BOUNDSCHECK, lanes)).encode())
    return h.hexdigest()


_IMPORTED = re.compile(r"nbnn\.kernels(?:\.(\w+)|\s+import\s+(\([^)]*\)|[^\n]*))")


@functools.cache
def _kernel_source(stem: str) -> tuple[bytes, frozenset[str]]:
    """The digest of one file of kernels/, and the stems of the files that it names."""
    text = (_HERE / "kernels" / f"{stem}.py").read_bytes()
    words = {w for pair in _IMPORTED.findall(text.decode()) for w in re.findall(r"\w+", " ".join(pair))}
    return hashlib.sha256(text).digest(), frozenset(w for w in words if (_HERE / "kernels" / f"{w}.py").exists())


def _sources_digest(modules: set[str]) -> bytes:
    """Digest of the named modules of kernels/ and of all that they import, directly or not."""
    found: dict[str, bytes] = {}
    waiting = [m.rpartition(".")[2] for m in modules if m.startswith("nbnn.kernels.")]
    while waiting:
        stem = waiting.pop()
        if stem not in found:
            found[stem], imported = _kernel_source(stem)
            waiting += imported
    return hashlib.sha256(repr(sorted(found.items())).encode()).digest()


def _cache_root() -> Path:
    if root := os.environ.get("NBNN_CACHE_DIR"):
        return Path(root)
    if root := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(root) / "nbnn"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "nbnn" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nbnn"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nbnn"


def _open_cache() -> Path | None:
    """The directory of compiled kernels of this build, or None where it cannot be owned and trusted."""
    if os.environ.get("NBNN_CACHE", "1") == "0":
        return None
    try:
        path = _cache_root() / _build_digest()[:24]
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Numba's compiled objects are loaded by unpickling: a directory that others may write to is not used.
        if hasattr(os, "geteuid"):
            status = path.stat()
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
        return path if os.access(path, os.W_OK) else None
    except (OSError, RuntimeError):
        return None


def fingerprint(func: Callable) -> bytes:
    """Digest of a function's code, constants and names, and of every compiled function that it can reach by name.

    Of nbnn's own kernels it takes in the whole files: those of the functions met and those that these files import,
    so that an intrinsic or a constant counts too. An edit of one family leaves the kernels of the others in the cache.
    """
    digest = hashlib.sha256()
    seen: set[int] = set()
    modules: set[str] = set()

    def visit(code: types.CodeType, scope: dict[str, Any]) -> None:
        modules.add(scope.get("__name__", ""))
        digest.update(code.co_code)
        digest.update(repr((code.co_names, code.co_varnames)).encode())
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                visit(constant, scope)
            else:
                digest.update(repr(constant).encode())
        for name in code.co_names:
            value = scope.get(name)
            home = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
            modules.add(home or "")
            inner = getattr(value, "py_func", None)
            if inner is None:
                digest.update(repr(value).encode() if isinstance(value, (int, float, str, tuple)) else b"")
            elif id(inner) not in seen:
                seen.add(id(inner))
                visit(inner.__code__, inner.__globals__)

    visit(func.__code__, func.__globals__)
    return digest.digest() + _sources_digest(modules)


class _Cache:
    """One file for each (function, options, signature, machine), named by the digest of all of these.

    Numba's own cache keeps an index file per function, which two processes that start at once can leave
    pointing at each other's code. Content-addressed names need no index: a file is written whole under a
    temporary name, renamed, and checked against its digest when read.
    """

    def __init__(self, func: Callable, tag: str, options: dict[str, Any]) -> None:
        self._label = func.__name__
        self._func = func
        self._names = (func.__module__, func.__qualname__, tag, sorted((k, str(v)) for k, v in options.items()))
        self._digest: bytes | None = None

    @property
    def _identity(self) -> bytes:
        if self._digest is None:  # on the first compile, when every name that the function uses is bound
            self._digest = repr(self._names).encode() + fingerprint(self._func)
        return self._digest

    @property
    def cache_path(self) -> str:
        return str(_cache_dir())

    def _path(self, sig: Any, codegen: Any) -> Path | None:
        if (root := _cache_dir()) is None:
            return None
        args = sig.args if hasattr(sig, "args") else sig
        key = hashlib.sha256(self._identity + repr((tuple(map(str, args)), codegen.magic_tuple())).encode())
        return root / f"{self._label}-{key.hexdigest()[:32]}.nbc"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        path = self._path(sig, target_context.codegen())
        if path is None:
            return None
        try:
            blob = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(blob[32:]).digest() != blob[:32]:
            return None
        try:
            found = compiler.CompileResult._rebuild(target_context, *pickle.loads(blob[32:]))
        except Exception:  # a file of another Numba build: compile instead
            _log.debug("cannot load %s", path, exc_info=True)
            return None
        stats.loaded += 1
        return found

    def save_overload(self, sig: Any, cres: Any) -> None:
        path = self._path(sig, cres.codegen)
        if path is None or cres.library.has_dynamic_globals:
            return
        blob = _serialize.dumps(cres._reduce())
        try:
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
            with os.fdopen(handle, "wb") as f:
                f.write(hashlib.sha256(blob).digest() + blob)
            os.replace(temporary, path)
        except OSError:
            _log.debug("cannot write %s", path, exc_info=True)

    def flush(self) -> None:
        """Nothing to forget: a stale entry has another name."""


_cache_state: list[Path | None] = []


def _cache_dir() -> Path | None:
    if not _cache_state:
        _cache_state.append(_open_cache())
    return _cache_state[0]


def jit(func: Callable, tag: str = "", *, inner: bool = False, allocates: bool = False, inline: bool = False) -> Any:
    """Compile `func` lazily, one version for each signature, with nbnn's flags and cache.

    Parameters
    ----------
    func : callable
        A plain Python function in the nopython subset.
    tag : str
        Tells apart functions that share their code (a driver bound to several bodies).
    inner : bool
        Called by nopython code only (from Python it would crash): no wrapper, which saves 30 to 50 ms of compile.
    allocates : bool
        It makes arrays: what no kernel does, but what stands between a user's compiled code and the kernels.
    inline : bool
        LLVM must inline it: a loop that still calls a body is not vectorised (erfc: 8.5 against 1.4 ns an element).
    """
    options = dict(_FLAGS)
    if inline:
        options["forceinline"] = True
    if allocates:
        options["_nrt"] = True
    if inner:
        options["no_cpython_wrapper"] = True
    dispatcher = numba.njit(func, **options)
    resolve = dispatcher.get_call_template

    def resolve_values(args: Any, kws: Any) -> Any:
        # A call f(x, 0) in nopython code would compile f once more for the literal 0, and a parallel chunk of that
        # version would start at 0 whatever start it is passed.
        return resolve(tuple(map(numba.types.unliteral, args)), {k: numba.types.unliteral(v) for k, v in kws.items()})

    dispatcher.get_call_template = resolve_values
    # If Numba's internals move: no cache, never a wrong one.
    if hasattr(dispatcher, "_cache") and hasattr(compiler.CompileResult, "_rebuild"):
        dispatcher._cache = _Cache(func, tag, options)
    return dispatcher


def shared(func: Callable) -> Callable:
    """Let nopython code call `func` too, a rule on integers; Python keeps calling it directly, nothing compiled."""
    return register_jitable(func)


def native(func: Callable, signature: str) -> Any:
    """Compile `func` with `parallel=True` into a C callback (cached); `.address` is what native code calls."""
    options = {"parallel": True, "nogil": True}
    callback: Any = CFunc(func, sigutils.normalize_signature(signature), locals={}, options=options)
    callback._cache = _Cache(func, "native", options)
    callback.compile()
    return callback


def bind(template: Callable, name: str, **names: Any) -> Callable:
    """Re-target a driver: the template's code with `names` (the body above all) as its globals.

    A closure over a compiled body would never be cached; the same code object under other globals is.
    """
    scope = {**template.__globals__, **names}
    bound = types.FunctionType(template.__code__, scope, name)
    bound.__qualname__ = f"{template.__name__}.{name}"
    bound.__module__ = template.__module__
    return bound


class _CompileClock:
    """Adds up the seconds Numba spends compiling, from Numba's own events, and says so once where a person waits."""

    def __init__(self) -> None:
        self._depth = 0
        self._start = 0.0

    def on_start(self, event: Any) -> None:
        if self._depth == 0:
            self._start = time.perf_counter()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        self._depth -= 1
        stats.compiled += 1
        if self._depth == 0:
            before = stats.seconds
            stats.seconds += time.perf_counter() - self._start
            if before < 2.0 <= stats.seconds:
                _announce()

    def notify(self, event: Any) -> None:
        (self.on_start if event.is_start else self.on_end)(event)


def _announce() -> None:
    """Tell a person at a terminal or notebook why the first run is slow; programs read it from the log."""
    kept = _cache_dir()
    text = "nbnn: compiling kernels on first use" + ("" if kept is None else f"; they are kept in {kept.parent}")
    _log.info(text)
    waiting = sys.stderr is not None and sys.stderr.isatty()
    if (waiting or "ipykernel" in sys.modules) and os.environ.get("NBNN_QUIET", "0") == "0":
        sys.stderr.write(text + "\n")


def _watch_compiles() -> None:
    from numba.core import event

    class Listener(_CompileClock, event.Listener):
        pass

    event.register("numba:compile", Listener())


_watch_compiles()


def has_cuda() -> bool:
    """Whether numba-cuda is installed and sees a GPU (or its simulator); False, never an exception."""
    try:
        return bool(cuda().is_available())
    except RuntimeError:
        return False


def cuda() -> Any:
    """Import `numba.cuda` on first use.

    Raises
    ------
    RuntimeError
        If numba-cuda is not installed.
    """
    os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")
    try:
        module = importlib.import_module("numba.cuda")
    except ImportError as error:
        raise RuntimeError(
            "device: 'cuda' needs the package numba-cuda; install it with pip install 'nbnn[cuda]'"
        ) from error
    return module


def simulated() -> bool:
    """Whether kernels for CUDA run in Numba's simulator (NUMBA_ENABLE_CUDASIM=1)."""
    return bool(config.ENABLE_CUDASIM)
