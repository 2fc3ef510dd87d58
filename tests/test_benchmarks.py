"""The benchmark harness: cases are well formed, one tiny run writes its table, the README's block can be rewritten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import report
from benchmarks.__main__ import largest_difference, main
from benchmarks.cases import all_cases


def test_names_tell_cases_apart() -> None:
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)
    assert not [name for name in names if "|" in name or "/" in name]


def test_one_case_runs_and_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--only", "^small relu on 8 elements$", "--no-torch", "--quick", "--threads", "1"]
    assert main([*options, "--results", str(tmp_path)]) == 0
    assert "relu on 8 elements" in capsys.readouterr().out
    (path,) = tmp_path.glob("*.json")
    result = json.loads(path.read_text())
    (row,) = result["cases"]
    assert 0 < row["seconds"]["nbnn"]["1"] < 1
    assert row["jit_cold"] > 0
    assert set(result["import_seconds"]) == {"numba", "nbnn"}


def test_no_case_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "no such case", "--no-torch"]) == 2
    assert "no case matches" in capsys.readouterr().err


def result_of(*rows: dict[str, Any]) -> dict[str, Any]:
    return report.summarise(list(rows), {"numba": 0.3, "nbnn": 0.4}, ["1", "2"], 1)


def row(name: str, ours: float, theirs: float, **more: Any) -> dict[str, Any]:
    seconds = {"nbnn": {"1": ours, "2": ours}, "torch": {"1": theirs, "2": theirs}}
    return {"name": name, "family": "loss", "seconds": seconds, "jit_cold": 0.5, "jit_warm": 0.0, **more}


def test_ratios_and_their_mean() -> None:
    result = result_of(row("a", 1.0, 4.0), row("b", 1e-6, 1e-6))
    assert result["geometric_means"]["loss"]["1"] == pytest.approx(2.0)
    assert result["jit_cold_seconds"] == 1.0
    assert "4.00" in report.text(result)


def test_failures_are_seen() -> None:
    assert not report.failed(row("a", 1, 1, difference=1e-6))
    assert report.failed(row("a", 1, 1, difference=0.1))
    assert report.failed(row("a", 1, 1, difference=float("nan")))
    assert report.failed(row("a", 1, 1, errors={"nbnn": "ValueError: no"}))
    assert "ValueError: no" in report.text(result_of(row("a", 1, 1, errors={"nbnn": "ValueError: no"})))


def test_outputs_are_compared(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"case|0": np.array([1.0, 10.0]), "case|1": np.array([2])})
    np.savez(tmp_path / "b.npz", **{"case|0": np.array([1.0, 10.1]), "case|1": np.array([2])})
    assert largest_difference(tmp_path / "a.json", tmp_path / "b.json")["case"] == pytest.approx(0.1 / 10.1)


def test_readme_block_is_rewritten(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.rewrite_readme(readme, result_of(row("a", 1.0, 4.0)))
    content = readme.read_text()
    assert content.startswith("before\n")
    assert content.endswith("after\n")
    assert "old" not in content
    assert "| loss | 1 | 4.00 | 4.00 | a (4.00) | a (4.00) |" in content
    assert report.BEGIN in (Path(__file__).parent.parent / "README.md").read_text()
