"""nbnn.summary: what it counts, what it shows, and that it leaves the model as it was."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from tests.case import load_torch

# (layer, input sizes, multiply-adds), by hand
COUNTED = [
    (lambda: nn.Linear(6, 5), (4, 6), 4 * 5 * 6),
    (lambda: nn.Linear(6, 5), (2, 3, 6), 2 * 3 * 5 * 6),
    (lambda: nn.Conv1d(4, 6, 3, groups=2), (2, 4, 9), 2 * 6 * 7 * 2 * 3),
    (lambda: nn.Conv2d(3, 8, (3, 5), stride=2, padding=1), (2, 3, 9, 9), 2 * 8 * 5 * 4 * 3 * 15),
    (lambda: nn.ConvTranspose2d(4, 6, 2, stride=2), (2, 4, 3, 3), 2 * 4 * 9 * 6 * 4),
    (lambda: nn.Bilinear(3, 4, 5), [(7, 3), (7, 4)], 7 * 5 * 12),
    (lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True), (5, 2, 3), 10 * 2 * (16 * 7 + 16 * 12)),
    (lambda: nn.LSTM(3, 4, proj_size=2), (5, 2, 3), 10 * (16 * 5 + 2 * 4)),
    (lambda: nn.GRUCell(3, 4), (2, 3), 2 * 12 * 7),
    (lambda: nn.BatchNorm2d(3), (2, 3, 4, 4), 96),
    (lambda: nn.LayerNorm(4), (2, 3, 4), 24),
    (lambda: nn.LocalResponseNorm(3), (2, 5, 4), 120),
    (lambda: nn.ReLU(), (2, 3), 0),
    (lambda: nn.MultiheadAttention(8, 2), [(5, 3, 8), (7, 3, 8), (7, 3, 8)],
     3 * 64 * (5 * 2 + 7 * 2) + 2 * 3 * 5 * 7 * 8),
    (lambda: nn.MultiheadAttention(8, 2, batch_first=True, add_zero_attn=True, kdim=4, vdim=6),
     [(3, 5, 8), (3, 7, 4), (3, 7, 6)], 3 * 5 * 64 * 2 + 3 * 7 * 10 * 8 + 2 * 3 * 5 * 8 * 8),
]  # fmt: skip


@pytest.mark.parametrize("make,size,wanted", COUNTED, ids=lambda v: "" if callable(v) else str(v))
def test_multiply_adds(make, size, wanted):
    layer = make()
    found = nbnn.summary(layer, size)
    assert found.total_mult_adds == wanted
    assert found.total_params == sum(p.numel() for p in layer.parameters())


class Twice(nn.Module):
    """A layer that is used under two names and called three times, and a frozen one."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.head = nn.Linear(4, 2)
        self.head.requires_grad_(False)
        self.unused = nn.Linear(9, 9, bias=False)

    def forward(self, x):
        return self.head(self.first(self.again(self.first(x))))


def test_a_shared_layer_counts_once_and_its_calls_each():
    found = nbnn.summary(Twice(), (3, 4))
    assert found.total_params == 20 + 10 + 81 and found.trainable_params == 101 and found.non_trainable_params == 10
    assert found.total_mult_adds == 3 * 3 * 16 + 3 * 8
    lines = {x.path: x for x in found.layers}
    assert [x.path for x in found.layers] == ["", "first", "again", "head", "unused"]
    assert lines["first"].calls == 3 and lines["again"].shared and lines["unused"].output_shapes == []
    text = str(found)
    assert "again: Linear" in text and "(shared)" in text and "(3, 4) x 3" in text
    assert found.activation_bytes == 4 * (3 * 12 + 6) and found.input_bytes == 48 and found.param_bytes == 4 * 111


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Sequential(nn.Linear(4, 4)))
    model[2].eval()
    calls = []
    model[1].register_forward_hook(lambda *_: calls.append("mine"))
    state = nbnn.functional.creation.default_generator.get_state()
    mean = model[0].running_mean.clone()
    nbnn.summary(model, (3, 4))
    assert [m.training for m in model.modules()] == [True, True, True, False, False]
    assert nbnn.functional.creation.default_generator.get_state() == state
    assert nbnn.equal(model[0].running_mean, mean) and calls == ["mine"]
    assert all(not h for m in (model[0], model[2]) for h in m._hooks.values())
    assert model(nbnn.ones(3, 4)).requires_grad


def test_an_error_of_the_model_names_the_layer_and_leaves_no_hooks():
    model = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.Linear(9, 2)))
    with pytest.raises(ValueError, match="linear") as caught:
        nbnn.summary(model, (3, 4))
    said = " ".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "Linear 1.0" in said and "(3, 8) float32" in said
    assert all(not h for m in model.modules() for h in m._hooks.values()) and model.training


def test_inputs_of_every_kind():
    x = np.ones((2, 4), np.float32)
    linear = nn.Linear(4, 3)
    assert nbnn.summary(linear, input_data=x).layers[0].output_shapes == [(2, 3)]
    assert nbnn.summary(linear, input_data=[nbnn.tensor(x)]).total_mult_adds == 24
    assert nbnn.summary(linear, input_data={"input": x}).total_mult_adds == 24
    embedding = nn.Embedding(10, 4)
    assert nbnn.summary(embedding, (2, 5), dtypes=nbnn.int64).layers[0].output_shapes == [(2, 5, 4)]
    assert nbnn.summary(nn.Linear(4, 3).double(), (2, 4)).input_bytes == 64
    nothing_run = nbnn.summary(linear)
    assert nothing_run.total_params == 15 and nothing_run.total_mult_adds == 0
    lazy = nn.LazyLinear(3)
    assert nbnn.summary(lazy).total_params == 0 and nbnn.summary(lazy, (2, 4)).total_params == 15


def test_tuples_transformers_and_packed_sequences():
    lstm = nbnn.summary(nn.LSTM(3, 4), (5, 2, 3)).layers[0]
    assert lstm.output_shapes == [(5, 2, 4), (1, 2, 4), (1, 2, 4)]
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    found = nbnn.summary(model, [(2, 5, 8), (2, 3, 8)], depth=1)
    assert found.layers[0].output_shapes == [(2, 3, 8)] and found.total_params == sum(
        p.numel() for p in model.parameters()
    )
    encoder = next(x for x in found.layers if x.path == "encoder.layers.0")
    positions = 2 * 5
    attention = positions * 8 * 8 * 4 + 2 * positions * 5 * 8
    assert encoder.mult_adds == attention + positions * 2 * 8 * 16 + 2 * positions * 8
    assert "linear1" not in str(found) and "encoder: TransformerEncoder" in str(found)
    packed = nn.utils.rnn.pack_sequence([nbnn.ones(3, 2), nbnn.ones(1, 2)])
    assert nbnn.summary(nn.RNN(2, 4), input_data=packed).total_mult_adds == 4 * 4 * 6


def test_html_folds_and_escapes():
    class Odd(nn.Module):
        def _get_name(self):
            return "<b>"

        def forward(self, x):
            return x

    Odd.__name__ = "<i>"
    page = nbnn.summary(nn.Sequential(nn.Sequential(Odd()), nn.Linear(4, 2)), (3, 4), depth=0)._repr_html_()
    assert page.count("<details") == page.count("</details>") == 2 and page.count("<details>") == 2
    assert "&lt;i&gt;" in page and "<i>" not in page and "(3, 2)" in page
    assert page.count("<span") == page.count("</span>") and page.count("<div") == page.count("</div>")
    assert nbnn.summary(nn.Sequential(nn.ReLU()), (2,))._repr_html_().count("<details open>") == 1


@pytest.mark.parametrize(
    "options,error,match",
    [
        ({"model": 3}, TypeError, "`model` must be a Module; got int"),
        ({"input_size": 3}, TypeError, r"`input_size` \(=3\)"),
        ({"input_size": [(2, 4), "ab"]}, TypeError, "tuple of ints"),
        ({"input_size": (2, -4)}, ValueError, "at least 0"),
        ({"input_size": (2, 4), "input_data": 1}, TypeError, "exclude"),
        ({"input_size": (2, 4), "dtypes": [nbnn.float32] * 2}, ValueError, "2 types for 1 inputs"),
        ({"input_data": 1, "dtypes": nbnn.float32}, TypeError, "`dtypes`"),
        ({"depth": -1}, ValueError, "`depth`"),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match=match):
        nbnn.summary(**{"model": nn.Linear(4, 2), **options})


def test_it_is_imported_on_first_use():
    code = "import sys, nbnn; assert 'nbnn.utils._summary' not in sys.modules; nbnn.summary; print(nbnn.summary)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "function summary" in ran.stdout, ran.stderr
    assert "summary" in dir(nbnn)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nbnn.nothing


@pytest.mark.parity
def test_numbers_of_torchs_own_models_agree():
    """The issues asked for Keras' numbers (pytorch#2001, #56378): parameters as torch counts them."""
    torch = load_torch()
    for make in (
        lambda lib: lib.nn.Sequential(lib.nn.Conv2d(1, 6, 5), lib.nn.BatchNorm2d(6), lib.nn.LSTM(3, 4)),
        lambda lib: lib.nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
    ):
        wanted = sum(p.numel() for p in make(torch).parameters())
        assert nbnn.summary(make(nbnn)).total_params == wanted
