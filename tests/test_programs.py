"""Programs written for torch run unchanged, with `torch` bound to `nbnn`, and learn what they learn with PyTorch."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import nbnn
from nbnn.__main__ import main
from tests.cases.programs import PROGRAMS


def run(source: str) -> list[float]:
    """The losses of a program, with whatever `torch` is bound to."""
    weights = np.random.default_rng(1)

    def start(model: Any) -> Any:
        import torch

        for p in model.parameters():
            shape = tuple(p.shape)
            if p.dim() > 1:
                values = weights.uniform(-1, 1, shape) / np.sqrt(np.prod(shape[1:]))
            else:  # scales of norms stay near 1, offsets near 0
                values = weights.uniform(-0.1, 0.1, shape) + float((p == 1).all())
            p.data.copy_(torch.from_numpy(values).to(p.dtype))
        return model

    given = {"np": np, "rng": np.random.default_rng(0), "start": start, "losses": []}
    exec(compile(source, "<program>", "exec"), given)
    return given["losses"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_runs(name):
    with nbnn.as_torch():
        losses = run(PROGRAMS[name])
    assert len(losses) >= 3 and np.isfinite(losses).all()


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")  # PyTorch's own: old spellings that programs still use
@pytest.mark.parametrize("name", PROGRAMS)
def test_learns_as_with_torch(name):
    pytest.importorskip("torch")
    with nbnn.as_torch():
        ours = run(PROGRAMS[name])
    # float32 all through: what a step makes of the last bits grows with the steps, Adam's most
    np.testing.assert_allclose(ours, run(PROGRAMS[name]), rtol=2e-4, atol=1e-5)


def test_names_are_one_module():
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    with nbnn.as_torch() as torch:
        import torch.nn.functional as F
        from torch.optim.lr_scheduler import StepLR
        from torch.utils.data import DataLoader

        assert sys.modules["torch"] is torch is nbnn and F is nbnn.nn.functional
        assert StepLR is nbnn.optim.lr_scheduler.StepLR and DataLoader is nbnn.utils.data.DataLoader
        assert nbnn.__spec__.name == "nbnn" and F.__spec__.name == "nbnn.nn.functional"
        with pytest.raises(ModuleNotFoundError, match=r"No module named 'torch.fft': nbnn has no nbnn.fft"):
            import torch.fft
    after = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)


def test_command(tmp_path, capsys):
    program = tmp_path / "program.py"
    (tmp_path / "beside.py").write_text("import torch\nhalf = torch.tensor(0.5)\n")
    program.write_text(
        "import sys, torch\nfrom beside import half\n"
        "if __name__ == '__main__':\n"
        "    print(sys.argv[1:], torch.__name__, half)\n"
        "    if sys.argv[1:]: raise KeyError('inside')\n"
    )
    path = list(sys.path)
    assert main(["run", str(program)]) == 0
    assert capsys.readouterr().out == "[] nbnn tensor(0.5000)\n"
    assert main(["run", str(program), "--deep", "3"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("['--deep', '3']") and "KeyError: 'inside'" in said.err
    assert main(["run", str(tmp_path / "none.py")]) == 2 and "there is no file" in capsys.readouterr().err
    assert sys.path == path
    sys.modules.pop("beside", None)
