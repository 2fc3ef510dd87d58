"""Datasets of datasets and samplers, beside torch's where no random number decides; errors that say where."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import nbnn
from nbnn.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
    random_split,
)
from tests.case import load_torch

pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


class Count(IterableDataset):
    """The integers below n."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


class Hole(Dataset):
    """Has no sample 3."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        if i == 3:
            raise OSError("damaged file")
        return i


class Rows(Dataset):
    """Fetches batches itself, one sample short where asked."""

    short = 0

    def __len__(self):
        return 6

    def __getitem__(self, i):
        raise AssertionError("fetched one by one")

    def __getitems__(self, indices):
        return [10 * i for i in indices][: len(indices) - self.short]


def said(caught):
    return " ".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def test_chain_dataset():
    both = Count(2) + Count(3)
    assert isinstance(both, ChainDataset) and len(both) == 5
    assert [b.tolist() for b in DataLoader(both, batch_size=3)] == [[0, 1, 0], [1, 2]]
    assert len(DataLoader(both, batch_size=3)) == 2
    with pytest.raises(TypeError, match=r"datasets\[1\] must be an IterableDataset; got list"):
        list(ChainDataset([Count(1), [1]]))


def test_stack_dataset():
    x, y = nbnn.arange(6).reshape(3, 2), [5, 6, 7]
    pairs = StackDataset(TensorDataset(x), y)
    assert len(pairs) == 3 and pairs[1][0][0].tolist() == [2, 3] and pairs[1][1] == 6
    named = StackDataset(row=Rows(), i=range(6))
    assert [b["row"].tolist() for b in DataLoader(named, batch_size=4)] == [[0, 10, 20, 30], [40, 50]]
    with pytest.raises(ValueError, match="one length; got 3, 2"):
        StackDataset(y, [1, 2])
    for args, kwargs in (((), {}), ((y,), {"y": y})):
        with pytest.raises(ValueError, match="either all"):
            StackDataset(*args, **kwargs)


def test_an_error_names_the_index():
    with pytest.raises(OSError, match="damaged file") as caught:
        list(DataLoader(Hole(), batch_size=2))
    assert "while fetching Hole(3)" in said(caught)
    with pytest.raises(OSError, match="damaged file") as caught:
        list(DataLoader(Subset(Hole(), [0, 3]), batch_size=2))
    assert "while fetching Hole(3)" in said(caught)
    with pytest.raises(OSError, match="damaged file") as caught:
        list(DataLoader(Hole(), batch_size=2, num_workers=2))
    assert "while fetching Hole(3)" in str(caught.value) and "in worker 1 of a DataLoader" in str(caught.value)
    rows = Rows()
    rows.short = 1
    with pytest.raises(ValueError, match="gave 1 samples for 2 indices"):
        next(iter(DataLoader(rows, batch_size=2)))


def test_subset_random_sampler():
    nbnn.manual_seed(1)
    first = list(SubsetRandomSampler([7, 5, 9]))
    nbnn.manual_seed(1)
    sampler = SubsetRandomSampler([7, 5, 9])
    assert list(sampler) == first and sorted(first) == [5, 7, 9] and len(sampler) == 3
    assert {tuple(sampler) for _ in range(40)} == {(5, 7, 9), (5, 9, 7), (7, 5, 9), (7, 9, 5), (9, 5, 7), (9, 7, 5)}


def test_distributed_sampler():
    parts = [DistributedSampler(range(10), 3, rank, seed=4) for rank in range(3)]
    assert sorted({i for part in parts for i in part}) == list(range(10)) and {len(p) for p in parts} == {4}
    before = list(parts[0])
    assert list(parts[0]) == before
    parts[0].set_epoch(1)
    assert list(parts[0]) != before
    batches = DataLoader(range(10), batch_size=2, sampler=DistributedSampler(range(10), 2, 1, shuffle=False))
    assert [b.tolist() for b in batches] == [[1, 3], [5, 7], [9]]


def test_distributed_sampler_asks_the_environment(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert list(DistributedSampler(range(4), shuffle=False)) == [1, 3]
    monkeypatch.delenv("RANK")
    with pytest.raises(ValueError, match="`rank` must be given"):
        DistributedSampler(range(4))
    with pytest.raises(ValueError, match=r"`rank` \(=2\) must be below `num_replicas` \(=2\)"):
        DistributedSampler(range(4), rank=2)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Length of split")
@pytest.mark.parametrize("n", [0, 1, 2, 5, 8, 9])
def test_indices_are_torchs_where_nothing_is_random(n):
    torch = load_torch()
    theirs = torch.utils.data
    for replicas in (1, 2, 3, 7):
        for rank in range(replicas):
            for drop in (False, True):
                if n == 0:
                    continue  # torch divides by 0
                options = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop}
                wanted = theirs.distributed.DistributedSampler(range(n), **options)
                ours = DistributedSampler(range(n), **options)
                assert list(ours) == list(wanted) and len(ours) == len(wanted)
    for size in (1, 2, 4):
        for drop in (False, True):
            wanted = theirs.BatchSampler(theirs.SequentialSampler(range(n)), size, drop)
            ours = BatchSampler(SequentialSampler(range(n)), size, drop)
            assert list(ours) == list(wanted) and len(ours) == len(wanted)
    if n:
        assert len(RandomSampler(range(n), num_samples=2 * n + 1)) == len(
            theirs.RandomSampler(range(n), num_samples=2 * n + 1)
        )
        both = [lib.ConcatDataset([range(n), range(n)]) for lib in (theirs, nbnn.utils.data)]
        assert list(map(both[0].__getitem__, range(-n, 2 * n))) == list(map(both[1].__getitem__, range(-n, 2 * n)))
    sizes = [[len(part) for part in lib.random_split(range(n), [0.5, 0.3, 0.2])] for lib in (theirs, nbnn.utils.data)]
    assert sizes[0] == sizes[1]


@pytest.mark.parity
def test_collated_structures_are_torchs():
    torch = load_torch()

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return value.tolist() if hasattr(value, "tolist") else value

    samples = [
        {"a": np.ones((2,), np.float32) * i, "b": [i, (0.5 * i, "text")], "c": {"d": i % 2 == 0, "e": b"x"}}
        for i in range(3)
    ]
    ours, wanted = default_collate(samples), torch.utils.data.default_collate(samples)
    assert plain(ours) == plain(wanted)
    assert str(ours["b"][1][0].dtype).split(".")[-1] == str(wanted["b"][1][0].dtype).split(".")[-1]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_progress_bar_sees_the_length(method):
    loader = DataLoader(range(10), batch_size=4, num_workers=0, in_order=False)
    assert len(loader) == 3 and len(iter(loader)) == 3
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    if method == "fork":
        batches = DataLoader(ConcatDataset([range(3), range(3)]), 4, num_workers=1, multiprocessing_context=method)
        assert len(iter(batches)) == 2 and [b.tolist() for b in batches] == [[0, 1, 2, 0], [1, 2]]
        return
    script = textwrap.dedent("""
        from nbnn.utils.data import DataLoader
        if __name__ == "__main__":
            print([b.tolist() for b in DataLoader(range(5), 2, num_workers=1, multiprocessing_context="spawn")])
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=False)
    assert ran.stdout.strip() == "[[0, 1], [2, 3], [4]]", ran.stderr


def test_parts_of_a_split_do_not_meet():
    parts = random_split(range(11), [0.5, 0.25, 0.25])
    assert [len(p) for p in parts] == [6, 3, 2] and sorted(i for p in parts for i in p) == list(range(11))
