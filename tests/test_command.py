"""``python -m nbnn``: from outside where it is short, from inside where it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nbnn
from nbnn import _jit
from nbnn.__main__ import main
from nbnn.command import check, info, warmup

ROOT = Path(__file__).resolve().parent.parent


def command(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    line = [sys.executable, "-m", "nbnn", *args]
    return subprocess.run(line, capture_output=True, text=True, env=environment, timeout=300, check=False)


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "made_for_warmup.py"
    path.write_text(
        "import nbnn.nn as nn\n"
        "def make(width, deep=False):\n"
        "    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))\n"
        "whole = make(5)\n"
        "small = nn.ReLU()\n"
        "words = lambda: nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2))\n"
        "nothing = lambda: 3\n"
    )
    return path


def test_help_and_exit_codes_from_outside():
    ran = command("--help")
    assert ran.returncode == 0 and all(f"\n    {name} " in ran.stdout for name in ("info", "check", "warmup"))
    with pytest.raises(SystemExit) as caught:
        main(["nothing"])
    assert caught.value.code == 2


def test_info_from_outside():
    ran = command("info", "--json")
    found = json.loads(ran.stdout)
    assert ran.returncode == 0 and found["nbnn"] == nbnn.__version__ and "float32" in found["vector lanes"]


def test_info(capsys, monkeypatch):
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert str(_jit._cache_dir()) in said and f"of {nbnn.kernels._cpu.pool.available}" in said and " MB" in said
    monkeypatch.setattr(_jit, "_cache_state", [None])
    assert "cannot be used" in info.facts()["kernel cache"]
    monkeypatch.setenv("NBNN_CACHE", "0")
    assert info.facts()["kernel cache"] == "none: NBNN_CACHE=0"


def test_check_passes_here(capsys):
    before = nbnn.get_num_threads()
    assert main(["check"]) == 0
    said = capsys.readouterr().out
    assert "all tests passed" in said and said.count("ok  ") == len(check.tests("cpu")) and "FAIL" not in said
    assert nbnn.get_num_threads() == before


def test_check_fails_where_something_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr(check, "OPERATIONS", {"relu": (lambda x: x, *check.OPERATIONS["relu"][1:])})
    monkeypatch.setattr(check, "GRADIENTS", {"bad": (lambda x: x.nothing, ((2,),))})
    monkeypatch.setattr(_jit, "_cache_state", [None])
    assert main(["check"]) == 1
    said = capsys.readouterr().out
    assert said.count("FAIL") == 3 and "differs by" in said and "AttributeError" in said and "cannot be used" in said
    assert "3 failed" in said


def test_warmup_from_outside_compiles_and_the_next_loads(model_file, tmp_path):
    line = ("warmup", f"{model_file}:small", "--input", "2x4")  # what is compiled into an empty cache takes a second
    first = command(*line, NBNN_CACHE_DIR=str(tmp_path / "cache"))
    assert first.returncode == 0 and "functions compiled" in first.stdout, first.stderr
    second = command(*line, NBNN_CACHE_DIR=str(tmp_path / "cache"))
    assert ": 0 functions compiled" in second.stdout, second.stdout


@pytest.mark.parametrize(
    "target,options",
    [
        ("make(6, deep=True)", ["--input", "2x4", "--train"]),
        ("whole", ["--input", "2x4:float64", "--train", "--optimizer", "SGD", "--loss", "mse_loss"]),
        ("words", ["--input", "2x3:int64", "--train", "--loss", "sum"]),
    ],
)
def test_warmup(model_file, capsys, target, options):
    if "float64" in str(options):
        model_file.write_text(model_file.read_text() + "whole.double()\n")
    assert main(["warmup", f"{model_file}:{target}", *options]) == 0
    assert "loaded from" in capsys.readouterr().out


def test_without_tqdm_there_are_lines(model_file, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert main(["warmup", f"{model_file}:whole", "--input", "2x4"]) == 0
    assert "[1/3] Linear" in capsys.readouterr().err


@pytest.mark.parametrize(
    "target,options,said",
    [
        ("nowhere.py:make", [], "no such file"),
        ("no_such_module_here:make", [], "No module named"),
        ("FILE", [], "must be MODULE:FACTORY"),
        ("FILE:missing", [], "has no missing"),
        ("FILE:nothing", [], "must give a Module; got int"),
        ("FILE:make(n)", [], "must be literals"),
        ("FILE:make", [], "width"),
        ("FILE:whole", ["--input", "2xx4"], "--input 2xx4"),
        ("FILE:whole", ["--input", "2:complex"], "--input 2:complex"),
        ("FILE:whole", ["--optimizer", "Adamm"], "--optimizer Adamm"),
        ("FILE:whole", ["--input", "2x5"], "linear"),
    ],
)
def test_bad_targets_are_one_line(model_file, capsys, target, options, said):
    given = options if "--input" in options else [*options, "--input", "2x4"]
    assert main(["warmup", target.replace("FILE", str(model_file)), *given]) == 2
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert err.startswith("python -m nbnn warmup: ") and said in err


def test_windows_paths():
    with pytest.raises(ValueError, match="no such file"):
        warmup.load("C:\\models\\net.py:make")
