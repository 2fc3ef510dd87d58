"""Importing, compiling, caching and threads: each in processes of their own."""

import math
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import nbnn
from nbnn import _jit
from nbnn.kernels import _cpu
from nbnn.kernels._cpu import over_elements
from nbnn.op import Op, apply

ROOT = Path(__file__).parent.parent


def start(code, **environment):
    """A Python process that runs `code`; variables set to None are taken out of its environment."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={k: v for k, v in env.items() if v is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process, seconds=300):
    """What a process printed; fails with its error if it did not end well."""
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"the process hangs: {process.communicate()}") from None
    assert process.returncode == 0, f"exit {process.returncode}\n{out}\n{error}"
    return out.split()


def run(code, **environment):
    return result(start(code, **environment))


WORK = """
    import hashlib, numpy as np, nbnn
    from nbnn import _jit
    import nbnn.nn.functional as F
    x = nbnn.from_numpy(np.linspace(-1, 1, 600, dtype=np.float32).reshape(4, 150)).requires_grad_()
    w = nbnn.from_numpy(np.linspace(-1, 1, 1500, dtype=np.float32).reshape(10, 150))
    y = F.cross_entropy(F.relu(F.linear(x, w)), nbnn.tensor([1, 2, 3, 4]))
    y.backward()
    digest = hashlib.sha256(y.detach().numpy().tobytes() + x.grad.numpy().tobytes()).hexdigest()
    print(digest, _jit.stats.compiled, _jit.stats.loaded)
"""


def test_import_is_light():
    code = """
        import sys, numba
        before = set(sys.modules)  # numba itself imports scipy where it is installed
        import nbnn, nbnn.nn, nbnn.nn.functional
        from nbnn import _jit
        new = {m.split(".")[0] if m != "numba.cuda" else m for m in set(sys.modules) - before}
        heavy = new & {"numba.cuda", "numba_cuda", "scipy", "torch", "sklearn", "matplotlib"}
        assert not heavy, heavy
        assert _jit.stats.compiled == 0 and _jit.stats.loaded == 0, vars(_jit.stats)
    """
    run(code)


def test_processes_from_a_cold_cache(tmp_path):
    cache = str(tmp_path / "cache")
    many = [start(WORK, NBNN_CACHE_DIR=cache) for _ in range(4)]
    results = [result(p) for p in many]
    assert len({digest for digest, _, _ in results}) == 1
    digest, compiled, loaded = run(WORK, NBNN_CACHE_DIR=cache)
    assert digest == results[0][0] and int(compiled) == 0 and int(loaded) > 5
    _spoil(tmp_path / "cache")
    again, recompiled, _ = run(WORK, NBNN_CACHE_DIR=cache)
    assert again == digest and int(recompiled) > 0
    assert int(run(WORK, NBNN_CACHE_DIR=cache)[1]) == 0  # the spoilt files were written anew


def _spoil(cache):
    """Every file is damaged in its own way: cut, emptied, changed in one byte, replaced."""
    files = sorted(cache.rglob("*.nbc"))
    assert len(files) > 5
    for k, file in enumerate(files):
        blob = file.read_bytes()
        middle = len(blob) // 2
        damaged = [blob[:middle], b"", blob[:middle] + bytes([blob[middle] ^ 1]) + blob[middle + 1 :], b"not a kernel"]
        file.write_bytes(damaged[k % 4])


def test_cache_can_be_switched_off(tmp_path):
    code = "import nbnn; nbnn.ones(3).tanh(); from nbnn import _jit; print(_jit.stats.compiled > 0, _jit.stats.loaded)"
    cache = tmp_path / "cache"
    assert run(code, NBNN_CACHE_DIR=str(cache), NBNN_CACHE="0") == ["True", "0"]
    assert not cache.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_directory_that_others_can_write_is_not_used(tmp_path, mode):
    cache = tmp_path / "cache"
    code = "import nbnn; from nbnn import _jit; nbnn.ones(3).relu(); print(_jit._cache_dir())"
    (path,) = run(code, NBNN_CACHE_DIR=str(cache))
    os.chmod(path, mode)
    kept = sorted(Path(path).iterdir())
    assert run(code, NBNN_CACHE_DIR=str(cache)) == ["None"]
    assert sorted(Path(path).iterdir()) == kept


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_directory_that_cannot_be_made_is_not_used(tmp_path):
    code = "import nbnn; from nbnn import _jit; print(nbnn.ones(3).relu().tolist()[0], _jit._cache_dir())"
    file = tmp_path / "file"
    file.write_text("")
    assert run(code, NBNN_CACHE_DIR=str(file / "cache")) == ["1.0", "None"]
    if os.geteuid() != 0:
        os.chmod(tmp_path, stat.S_IRUSR | stat.S_IXUSR)
        assert run(code, NBNN_CACHE_DIR=str(tmp_path / "cache")) == ["1.0", "None"]


USERS_FILE = """
from nbnn import _jit
from nbnn.kernels._cpu import over_elements

SHIFT = {shift}

@_jit.jit
def helper(x):
    return x * type(x)({factor})

@over_elements(1)
def body(x):
    return helper(x) + type(x)(SHIFT)
"""
USE = """
    import sys
    sys.path.insert(0, {folder!r})
    import users, nbnn
    from nbnn.op import Op, apply
    from nbnn import _jit
    print(apply(Op("users", users.body), nbnn.ones(2)).tolist()[0], _jit.stats.compiled > 0)
"""


def test_a_changed_helper_is_compiled_anew(tmp_path):
    """Numba follows no call into a helper; the cache must, or it runs stale code."""
    cache, code = str(tmp_path / "cache"), USE.format(folder=str(tmp_path))
    for factor, shift, wanted in ((2.0, 0.0, "2.0"), (3.0, 0.0, "3.0"), (3.0, 10.0, "13.0"), (2.0, 0.0, "2.0")):
        (tmp_path / "users.py").write_text(USERS_FILE.format(factor=factor, shift=shift))
        value, _ = run(code, NBNN_CACHE_DIR=cache, PYTHONDONTWRITEBYTECODE="1")
        assert value == wanted, f"factor {factor}, shift {shift}"
    assert run(code, NBNN_CACHE_DIR=cache, PYTHONDONTWRITEBYTECODE="1") == ["2.0", "False"]


def test_an_edited_kernel_file_renames_those_that_import_it(tmp_path, monkeypatch):
    """The cache forgets the kernels of a changed file and of all files that reach it, and no others."""
    shutil.copytree(ROOT / "nbnn" / "kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(_jit, "_HERE", tmp_path)

    def digests():
        _jit._kernel_source.cache_clear()
        return [_jit._sources_digest({f"nbnn.kernels.{name}"}) for name in ("attention", "softmax", "piecewise")]

    before = digests()
    for edited, changed in (
        ("_tile", [True, False, False]),
        ("_elementary", [True, True, False]),
        ("_cpu", [True] * 3),
    ):
        path = tmp_path / "kernels" / f"{edited}.py"
        kept = path.read_text()
        path.write_text(kept + "# one more line\n")
        assert [a != b for a, b in zip(digests(), before)] == changed, edited
        path.write_text(kept)
    assert digests() == before
    monkeypatch.undo()
    _jit._kernel_source.cache_clear()


THREADS = """
    import threading, numpy as np, nbnn
    import nbnn.nn.functional as F
    x = nbnn.from_numpy(np.linspace(-3, 3, 400000, dtype=np.float32).reshape(400, 1000))
    wanted = F.softmax(x, 1).numpy().copy(), (x @ x.T).numpy().copy()
    wrong = []

    def work():
        for _ in range(15):
            got = F.softmax(x, 1).numpy(), (x @ x.T).numpy()
            if any(g.tobytes() != w.tobytes() for g, w in zip(got, wanted)):
                wrong.append(1)

    many = [threading.Thread(target=work) for _ in range(4)]
    for t in many: t.start()
    for t in many: t.join()
    from nbnn.kernels import _cpu
    print(len(wrong), _cpu.pool.layer or "none")
"""


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_python_threads_run_kernels_at_once(layer):
    wrong, used = run(THREADS, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
    assert wrong == "0" and used == layer


FORK = """
    import os, numpy as np, nbnn
    x = nbnn.from_numpy(np.linspace(-3, 3, 300000, dtype=np.float32))
    wanted = x.tanh().numpy().tobytes()
    (x.reshape(300, 1000) @ x.reshape(1000, 300)).sum()
    child = os.fork()
    if child == 0:
        ok = x.tanh().numpy().tobytes() == wanted
        ok = ok and bool(np.isfinite((x.reshape(300, 1000) @ x.reshape(1000, 300)).numpy()).all())
        os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    assert x.tanh().numpy().tobytes() == wanted
    print(os.waitstatus_to_exitcode(status))
"""
POOL = """
    import multiprocessing, numpy as np, nbnn
    x = nbnn.from_numpy(np.linspace(-3, 3, 300000, dtype=np.float32))
    wanted = float(x.tanh().sum())

    def work(k):
        return float(x.tanh().sum())

    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(int(pool.map(work, range(4)) == [wanted] * 4))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_a_forked_child_works(layer):
    environment = {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    assert run(FORK, **environment) == ["0"]
    assert run(POOL, **environment) == ["1"]


def test_set_num_threads():
    available = _cpu.pool.available
    nbnn.set_num_threads(1)
    assert nbnn.get_num_threads() == 1
    nbnn.set_num_threads(10_000)
    assert nbnn.get_num_threads() == available
    nbnn.set_num_threads(available)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=rf"^set_num_threads: `num_threads` \(={wrong}\) must be at least 1"):
            nbnn.set_num_threads(wrong)
    for wrong in (1.5, "2", None, True):
        with pytest.raises(TypeError, match=r"^set_num_threads: `num_threads` .* must be an int"):
            nbnn.set_num_threads(wrong)
    assert nbnn.get_num_threads() == available


# -- plans: what `apply` keeps of a launch -------------------------------------------------------------------------


@over_elements(1)
def add_number(x, number):
    return x + type(x)(number)


def planned():
    """An op that says how much there is to do, and so takes the general path at every size."""
    return Op("add_number", add_number, count=lambda params, shape: math.prod(shape))


def test_a_plan_belongs_to_shapes_dtypes_and_params():
    op = planned()
    for _ in range(2):
        for kind in (nbnn.float32, nbnn.float64):
            for shape in ((3,), (3, 1), (0,), ()):
                for number in (1, True, 1.0, 2.5, -1):
                    y = apply(
                        op, nbnn.ones(*shape, dtype=kind) if shape else nbnn.tensor(1.0, dtype=kind), params=(number,)
                    )
                    assert y.shape == shape and y.dtype is kind
                    assert (y.numpy() == 1 + number).all()
    assert len(op.plans) == 2 * 4 * 3  # 1, True and 1.0 are one number


def test_plans_are_bounded():
    op = planned()
    x = nbnn.ones(2)
    for number in range(2000):
        assert apply(op, x, params=(number,)).tolist() == [1.0 + number] * 2
        assert len(op.plans) <= 256
    assert op.plans.room == 0


@pytest.mark.parametrize("make_op", [planned, lambda: Op("add_number", add_number)])
def test_plans_see_views_and_threads(make_op):
    op = make_op()
    x = nbnn.arange(200_000, dtype=nbnn.float32)
    results = []
    for threads in (1, nbnn.get_num_threads()):
        before = nbnn.get_num_threads()
        nbnn.set_num_threads(threads)
        try:
            results += [apply(op, x, params=(1,)).numpy() for _ in range(3)]
        finally:
            nbnn.set_num_threads(before)
    assert all((r == np.arange(1, 200_001, dtype=np.float32)).all() for r in results)
    assert apply(op, x.view(400, 500).t()[:3, :2], params=(1,)).tolist() == [[1, 501], [2, 502], [3, 503]]
    assert apply(op, x.view(400, 500)[:3, :2], params=(1,)).tolist() == [[1, 2], [501, 502], [1001, 1002]]


def test_the_short_way_of_a_product_sees_views_types_threads_and_gradients():
    def product(a, b):
        got = nbnn.matmul(a, b)
        np.testing.assert_allclose(got.detach().numpy(), a.detach().numpy() @ b.detach().numpy(), rtol=1e-4)
        return got

    before = nbnn.get_num_threads()
    for kind in (nbnn.float32, nbnn.float64):
        a = nbnn.arange(48 * 48, dtype=kind).reshape(48, 48) / 100
        try:
            for threads in (1, before, 1):
                nbnn.set_num_threads(threads)
                for x in (a, a, a.t(), nbnn.cat([a, a])[1:49]):
                    assert product(x, a).dtype is kind and product(a, x).grad_fn is None
        finally:
            nbnn.set_num_threads(before)
        x = a.clone().requires_grad_()
        for _ in range(3):
            x.grad = None
            product(x, a).sum().backward()
            np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(a.numpy().sum(1), (48, 48)), rtol=1e-4)
    assert nbnn.matmul(a.long(), a.long()).dtype is nbnn.int64
