"""DataParallel, the summary and the self-test on one GPU."""

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.command import check


def test_data_parallel_moves_the_inputs_to_the_gpu():
    layer = nn.Linear(3, 2)
    wanted = layer(nbnn.ones(4, 3)).detach().numpy()
    model = nn.DataParallel(layer)
    assert [str(place) for place in model.device_ids] == ["cuda:0"]
    with pytest.raises(RuntimeError, match="'weight' lies on cpu, but must lie on the first of `device_ids`, cuda:0"):
        model(nbnn.ones(4, 3))
    layer.to("cuda")
    out = model(nbnn.ones(4, 3))
    assert out.is_cuda
    np.testing.assert_allclose(out.detach().cpu().numpy(), wanted, rtol=1e-5)
    back = nn.DataParallel(layer, [0], output_device="cpu")(input=nbnn.ones(4, 3))
    assert not back.is_cuda
    for places in ([0, 0], [0, "cpu"]):
        with pytest.raises(ValueError, match="must be one GPU, or 'cpu' any number of times"):
            nn.DataParallel(layer, places)
    with pytest.raises(RuntimeError, match="'weight' lies on cuda"):
        nn.DataParallel(layer, ["cpu", "cpu"])(nbnn.ones(4, 3))


def test_summary_makes_its_inputs_where_the_model_lies():
    found = nbnn.summary(nn.Sequential(nn.Linear(3, 2), nn.ReLU()).to("cuda"), (4, 3))
    assert found.total_mult_adds == 24 and found.layers[0].output_shapes == [(4, 2)]


def test_values_of_the_self_test():
    ours, theirs, shapes = check.OPERATIONS["relu"]
    assert check._values(ours, theirs, shapes, "cuda") is None
