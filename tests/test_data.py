"""Data sets, samplers, collation and the DataLoader, with and without worker processes."""

from __future__ import annotations

import collections
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import nbnn
from nbnn.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)

FORK = "fork" in multiprocessing.get_all_start_methods()
# A fork of a process with threads gives this warning from Python 3.12 on; workers run no thread of the parent.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


class Squares(Dataset):
    """Index, square and a label; slow or failing at chosen indices."""

    def __init__(self, n, fail_at=None, slow_at=None, seconds=0.0, kill_at=None, error=ValueError):
        self.n, self.fail_at, self.slow_at, self.seconds = n, fail_at, slow_at, seconds
        self.kill_at, self.error = kill_at, error

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i == self.fail_at:
            raise self.error(f"no sample {i}")
        if i == self.slow_at:
            time.sleep(self.seconds)
        if i == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"i": i, "square": np.float32(i * i), "name": f"s{i}"}


class Stream(IterableDataset):
    """The integers below n, dealt to the workers in turn."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.n, step))


class Draws(Dataset):
    """What the sources of random numbers give in a worker."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return int(np.random.randint(1 << 30)), int(nbnn.randint(0, 1 << 30, (1,)).item()), get_worker_info().seed  # noqa: NPY002


class Big(Dataset):
    """Samples larger than a pipe holds."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return nbnn.tensor(np.full((300, 300), i, np.float32)), np.full(70_000, i)


class Pids(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return os.getpid()


def no_children():
    """Whether no worker process is left, after a moment for those that are ending."""
    end = time.monotonic() + 5
    while multiprocessing.active_children() and time.monotonic() < end:
        time.sleep(0.01)
    return not multiprocessing.active_children()


def columns(loader):
    return [batch["i"].tolist() for batch in loader]


# -- data sets ------------------------------------------------------------------------------------------------------


def test_tensor_dataset():
    x, y = nbnn.arange(6).reshape(3, 2), np.array([3, 4, 5])
    dataset = TensorDataset(x, y)
    assert len(dataset) == 3
    a, b = dataset[-1]
    assert a.tolist() == [4, 5]
    assert b.item() == 5
    for bad in ((), (nbnn.tensor(1.0),), (x, nbnn.ones(2))):
        with pytest.raises(ValueError, match="must have the same first size"):
            TensorDataset(*bad)


def test_concat_dataset():
    both = Squares(2) + Squares(3)
    assert isinstance(both, ConcatDataset)
    assert [both[i]["i"] for i in range(len(both))] == [0, 1, 0, 1, 2]
    assert both[-1]["i"] == 2
    assert both.cumulative_sizes == [2, 5]
    for i in (5, -6):
        with pytest.raises(IndexError, match=f"index {i} is out of range for 5 samples"):
            both[i]
    with pytest.raises(ValueError, match="must not be empty"):
        ConcatDataset([])
    with pytest.raises(TypeError, match=r"datasets\[1\] is an IterableDataset"):
        ConcatDataset([Squares(1), Stream(1)])


def test_subset_and_random_split():
    subset = Subset(Squares(9), [7, 2, 5])
    assert [sample["i"] for sample in (subset[0], subset[-1])] == [7, 5]
    assert [sample["i"] for sample in subset.__getitems__([1, 0])] == [2, 7]
    nbnn.manual_seed(3)
    parts = random_split(range(11), [0.5, 0.25, 0.25])
    assert [len(p) for p in parts] == [6, 3, 2]
    assert sorted(i for p in parts for i in p) == list(range(11))
    nbnn.manual_seed(3)
    assert [list(p) for p in random_split(range(11), [0.5, 0.25, 0.25])] == [list(p) for p in parts]
    assert [len(p) for p in random_split(range(5), [2, 3])] == [2, 3]
    with pytest.raises(ValueError, match="the sum 1 or 5"):
        random_split(range(5), [2, 2])
    with pytest.raises(ValueError, match="must not be negative"):
        random_split(range(5), [6, -1])


def test_base_classes_say_what_to_define():
    for call in (lambda: Dataset()[0], lambda: iter(IterableDataset()), lambda: iter(Sampler())):
        with pytest.raises(NotImplementedError, match="must define"):
            call()


# -- samplers -------------------------------------------------------------------------------------------------------


def test_random_sampler_is_reproducible_and_changes_with_the_epoch():
    sampler = RandomSampler(range(100))
    nbnn.manual_seed(5)
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    nbnn.manual_seed(5)
    assert list(sampler) == first
    own = RandomSampler(range(100), generator=nbnn.Generator().manual_seed(5))
    assert list(own) == first


def test_random_sampler_counts():
    assert len(list(RandomSampler(range(4), num_samples=10))) == 10
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=3000))
    assert all(900 < drawn.count(i) < 1100 for i in range(3))
    assert list(RandomSampler([])) == []
    assert list(RandomSampler([], replacement=True)) == []
    with pytest.raises(ValueError, match=r"`num_samples` \(=0\) must be at least 1"):
        RandomSampler(range(3), num_samples=0)
    with pytest.raises(TypeError, match="`replacement`"):
        RandomSampler(range(3), replacement=1)


def test_weighted_random_sampler():
    nbnn.manual_seed(0)
    drawn = list(WeightedRandomSampler([1.0, 0.0, 3.0], 8000))
    assert drawn.count(1) == 0
    assert 5850 < drawn.count(2) < 6150
    firsts = [next(iter(WeightedRandomSampler([1.0, 0.0, 3.0], 2, replacement=False))) for _ in range(400)]
    assert 265 < firsts.count(2) < 335
    assert sorted(WeightedRandomSampler(nbnn.tensor([1.0, 0.0, 3.0]), 2, replacement=False)) == [0, 2]
    for weights in ([-1.0, 2.0], [np.nan, 1.0], [0.0, 0.0], [[1.0]], [np.inf]):
        with pytest.raises(ValueError, match="`weights`"):
            WeightedRandomSampler(weights, 1)
    with pytest.raises(ValueError, match="must be at most 2"):
        WeightedRandomSampler([1.0, 0.0, 3.0], 3, replacement=False)


def test_batch_sampler():
    assert list(BatchSampler(SequentialSampler(range(5)), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert [len(BatchSampler(range(5), 2, drop)) for drop in (False, True)] == [3, 2]
    with pytest.raises(ValueError, match="`batch_size`"):
        BatchSampler(range(5), 0, False)
    with pytest.raises(TypeError, match="`drop_last`"):
        BatchSampler(range(5), 2, 0)


# -- collation ------------------------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")


def test_collate_keeps_the_structure():
    samples = [
        {"a": (nbnn.ones(2), i, float(i), i > 0), "b": [Point(np.float32(i), np.ones(3)), "name"], "c": b"x"}
        for i in range(2)
    ]
    batch = default_collate(samples)
    tensors, number, real, flag = batch["a"]
    assert tuple(tensors.shape) == (2, 2)
    assert (number.dtype, real.dtype, flag.dtype) == (nbnn.int64, nbnn.float64, nbnn.bool)
    point, name = batch["b"]
    assert isinstance(point, Point)
    assert (point.x.dtype, point.y.dtype) == (nbnn.float32, nbnn.float64)
    assert tuple(point.y.shape) == (2, 3)
    assert name == ["name", "name"]
    assert batch["c"] == [b"x", b"x"]


def test_collate_keeps_gradients_and_halves():
    w = nbnn.ones(2).requires_grad_()
    default_collate([w * 2, w]).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]
    assert default_collate([nbnn.ones(2).to(nbnn.bfloat16)] * 2).dtype is nbnn.bfloat16


@pytest.mark.parametrize(
    ("samples", "error", "match"),
    [
        ([], ValueError, "must not be empty"),
        (
            [{"x": np.ones(2)}, {"x": np.ones(3)}],
            ValueError,
            r"samples\['x'\] must have one shape; got \(2,\) .* \(3,\)",
        ),
        (
            [(1, [1]), (1, [1, 2])],
            ValueError,
            r"samples\[1\] must have one length; got 1 for sample 0 and 2 for sample 1",
        ),
        ([{"a": 1}, {"b": 1}], TypeError, "the same keys"),
        ([1, "a"], TypeError, "must be of one kind; got int for sample 0 and str for sample 1"),
        ([object()], TypeError, "got object; give DataLoader a `collate_fn`"),
        ([np.array("a")], TypeError, "must hold numbers"),
        ([None], TypeError, "got NoneType"),
    ],
)
def test_collate_says_what_does_not_fit(samples, error, match):
    with pytest.raises(error, match="default_collate: .*" + match):
        default_collate(samples)


def test_convert():
    out = default_convert({"a": np.ones(2, np.float32), "b": (1, "x"), "p": Point(np.float64(2), [np.arange(2)])})
    assert out["a"].dtype is nbnn.float32
    assert out["b"] == [1, "x"]
    assert out["p"].x.item() == 2.0
    assert out["p"].y[0].tolist() == [0, 1]


# -- the loader -----------------------------------------------------------------------------------------------------


def test_loader_without_workers():
    loader = DataLoader(Squares(5), batch_size=2)
    assert len(loader) == len(iter(loader)) == 3
    assert columns(loader) == [[0, 1], [2, 3], [4]]
    assert columns(DataLoader(Squares(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert columns(DataLoader(Squares(4), batch_sampler=[[3, 0], [1]])) == [[3, 0], [1]]
    assert columns(DataLoader(Squares(4), batch_size=2, sampler=[3, 2, 1])) == [[3, 2], [1]]
    single = next(iter(DataLoader(TensorDataset(nbnn.ones(3, 2)), batch_size=None)))
    assert tuple(single[0].shape) == (2,)
    assert list(DataLoader(Squares(3), batch_size=3, collate_fn=len)) == [3]
    assert list(DataLoader([], batch_size=3)) == []


def test_shuffled_order_does_not_depend_on_the_workers():
    def epochs(num_workers):
        nbnn.manual_seed(11)
        loader = DataLoader(Squares(20), batch_size=3, shuffle=True, num_workers=num_workers)
        return [columns(loader) for _ in range(2)]

    one, other = epochs(0)
    assert one != other
    assert sorted(i for batch in one for i in batch) == list(range(20))
    assert epochs(0) == [one, other]
    if FORK:
        assert epochs(3) == [one, other]


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: Subset(d, list(range(9, -1, -1)))])
def test_rows_of_tensors_are_taken_at_once(wrap):
    x = nbnn.arange(30).reshape(10, 3)
    dataset = wrap(TensorDataset(x, nbnn.arange(10)))
    slow = DataLoader(dataset, batch_size=4, collate_fn=lambda samples: default_collate(samples))
    fast = DataLoader(dataset, batch_size=4)
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b)
        assert [t.tolist() for t in a] == [t.tolist() for t in b]
        assert [t.dtype for t in a] == [t.dtype for t in b]


def test_rows_of_a_changed_tensor_dataset_are_not_taken_at_once():
    class Shifted(TensorDataset):
        def __getitem__(self, i):
            return (super().__getitem__(i)[0] + 100,)

    (batch,) = next(iter(DataLoader(Shifted(nbnn.arange(3)), batch_size=2)))
    assert batch.tolist() == [100, 101]


def test_a_dataset_may_fetch_batches_itself():
    class Batched(Squares):
        def __getitems__(self, indices):
            return [-i for i in indices]

    assert next(iter(DataLoader(Batched(4), batch_size=3))).tolist() == [0, -1, -2]


def test_streams():
    assert [b.tolist() for b in DataLoader(Stream(5), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Stream(5), batch_size=2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]
    with pytest.raises(TypeError):
        len(DataLoader(Stream(3)))


def test_stop_iteration_of_a_dataset_is_an_error():
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        list(DataLoader(Squares(3, fail_at=1, error=StopIteration)))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"num_workers": -1}, ValueError, "`num_workers`"),
        ({"timeout": -1}, ValueError, "`timeout`"),
        ({"batch_size": 0}, ValueError, "`batch_size`"),
        ({"batch_size": 2.5}, TypeError, "`batch_size`"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor=2"),
        ({"persistent_workers": True}, ValueError, "persistent_workers=True"),
        ({"prefetch_factor": 0, "num_workers": 1}, ValueError, "`prefetch_factor`"),
        ({"shuffle": True, "sampler": [0]}, ValueError, "exclude each other"),
        ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "`batch_sampler` excludes"),
        ({"batch_sampler": [[0]], "shuffle": True}, ValueError, "`batch_sampler` excludes"),
        ({"batch_size": None, "drop_last": True}, ValueError, "excludes drop_last"),
        ({"multiprocessing_context": "thread"}, ValueError, "`multiprocessing_context`"),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match="Sampler: .*" + match if match == "`batch_size`" else "DataLoader: .*" + match):
        DataLoader(Squares(3), **options)


def test_streams_have_their_own_order():
    for options in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ValueError, match="has its own order"):
            DataLoader(Stream(3), **options)


# -- worker processes -----------------------------------------------------------------------------------------------

workers = pytest.mark.skipif(not FORK, reason="this system cannot fork; the test with 'spawn' covers it")


@workers
def test_batches_come_in_order():
    dataset = Squares(13, slow_at=0, seconds=0.2)  # the first batch is the last to be ready
    batches = list(DataLoader(dataset, batch_size=2, num_workers=3))
    assert [b["i"].tolist() for b in batches] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11], [12]]
    assert batches[1]["square"].dtype is nbnn.float32
    assert batches[1]["name"] == ["s2", "s3"]
    assert no_children()


@workers
def test_big_batches_arrive_whole_and_writable():
    for i, (image, numbers) in enumerate(DataLoader(Big(), batch_size=2, num_workers=2)):
        assert tuple(image.shape) == (2, 300, 300)
        assert image[:, 0, 0].tolist() == [2 * i, 2 * i + 1]
        assert numbers[:, -1].tolist() == [2 * i, 2 * i + 1]
        image.numpy()[0, 0, 0] = 7
    assert no_children()


@workers
def test_more_workers_than_batches():
    assert columns(DataLoader(Squares(2), num_workers=4)) == [[0], [1]]
    assert columns(DataLoader(Squares(0), num_workers=2)) == []
    assert no_children()


@workers
def test_streams_in_workers():
    batches = [b.tolist() for b in DataLoader(Stream(7), batch_size=2, num_workers=2)]
    assert batches == [[0, 2], [1, 3], [4, 6], [5]]
    assert no_children()


@workers
def test_workers_are_seeded_each_for_itself_and_again_alike():
    def epoch():
        nbnn.manual_seed(1)
        return [tuple(int(v.item()) for v in batch) for batch in DataLoader(Draws(), num_workers=2)]

    first = epoch()
    assert epoch() == first
    assert len({legacy for legacy, _, _ in first}) == len({ours for _, ours, _ in first}) == 4
    assert first[1][2] == first[0][2] + 1  # the seed of worker 1


@workers
def test_worker_init_fn_and_info(tmp_path):
    def init(worker_id):
        info = get_worker_info()
        (tmp_path / f"{worker_id}").write_text(
            f"{info.id} {info.num_workers} {len(info.dataset)} {nbnn.get_num_threads()}"
        )

    list(DataLoader(Squares(4), num_workers=2, worker_init_fn=init))
    assert [(tmp_path / str(i)).read_text() for i in range(2)] == ["0 2 4 1", "1 2 4 1"]
    assert get_worker_info() is None


@workers
@pytest.mark.parametrize("error", [ValueError, KeyError, StopIteration])
def test_an_exception_of_a_worker_is_raised_here(error):
    batches = iter(DataLoader(Squares(6, fail_at=3, error=error), num_workers=2))
    got = [next(batches)["i"].item() for _ in range(3)]
    with pytest.raises(RuntimeError if error is StopIteration else error) as caught:
        next(batches)
    text = str(caught.value)
    assert "in worker 1 of a DataLoader" in text
    assert "in __getitem__\n" in text  # the traceback, with its line breaks
    assert "no sample 3" in text
    got += [batch["i"].item() for batch in batches]
    assert got == [0, 1, 2, 4, 5]
    assert no_children()


class Awkward(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


@workers
def test_exceptions_and_batches_that_cannot_travel():
    def fail(samples):
        raise Awkward(1, 2)

    class Local(Exception):
        pass

    def fail_locally(samples):
        raise Local("here")

    for collate, match in [(fail, "Awkward"), (fail_locally, "Local"), (lambda s: lambda: s, "pickle|local object")]:
        with pytest.raises((RuntimeError, AttributeError), match=match):
            list(DataLoader(Squares(2), num_workers=1, collate_fn=collate))
    with pytest.raises(ZeroDivisionError, match="in worker 0"):
        list(DataLoader(Squares(2), num_workers=1, worker_init_fn=lambda i: 1 // 0))
    assert no_children()


@workers
def test_a_killed_worker_is_an_error_and_no_hang():
    begin = time.monotonic()
    loader = DataLoader(Squares(8, kill_at=5), num_workers=2)
    with pytest.raises(RuntimeError, match=r"DataLoader: worker 1 \(pid \d+\) was killed by SIGKILL"):
        list(loader)
    assert no_children()
    with pytest.raises(RuntimeError, match="exited unexpectedly with code 3"):
        list(DataLoader(Squares(8), num_workers=2, collate_fn=lambda s: os._exit(3)))
    assert time.monotonic() - begin < 10
    assert no_children()


@workers
def test_timeout():
    loader = DataLoader(Squares(4, slow_at=1, seconds=30), num_workers=2, timeout=0.3)
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match=r"worker 1 gave no batch within `timeout` \(=0.3\) seconds"):
        list(loader)
    assert time.monotonic() - begin < 10
    assert no_children()


@workers
def test_leaving_a_loop_early_leaves_no_process():
    for batch in DataLoader(Big(), num_workers=2):
        assert batch is not None
        break
    assert no_children()


@workers
def test_persistent_workers_stay_and_forget_the_epoch_before():
    loader = DataLoader(Pids(), batch_size=2, num_workers=2, persistent_workers=True, shuffle=True)
    first = {pid for batch in loader for pid in batch.tolist()}
    assert len(first) == 2
    for _ in loader:
        break  # replies of this epoch are still on their way
    batches = list(loader)
    assert len(batches) == 4
    assert {pid for batch in batches for pid in batch.tolist()} == first
    loader = DataLoader(Stream(6), batch_size=2, num_workers=2, persistent_workers=True)
    assert [[b.tolist() for b in loader] for _ in range(2)] == [[[0, 2], [1, 3], [4], [5]]] * 2
    del loader, batches
    assert no_children()


@workers
def test_workers_after_kernels_ran_on_threads():
    big = nbnn.ones(300_000)
    (big * 2).sum()

    def collate(samples):
        return (nbnn.ones(300_000) * samples[0]["i"]).sum()

    sums = [s.item() for s in DataLoader(Squares(3), num_workers=2, collate_fn=collate)]
    assert sums == [0.0, 300_000.0, 600_000.0]


@workers
def test_two_loaders_at_once():
    pairs = zip(DataLoader(Squares(4), num_workers=2), DataLoader(Squares(4), num_workers=1), strict=True)
    assert [(a["i"].item(), b["i"].item()) for a, b in pairs] == [(i, i) for i in range(4)]
    assert no_children()


@workers
def test_workers_end_when_the_main_process_is_killed(tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys, time
        from nbnn.utils.data import DataLoader, Dataset
        class Pids(Dataset):
            def __len__(self): return 4
            def __getitem__(self, i): return os.getpid()
        batches = iter(DataLoader(Pids(), num_workers=2, multiprocessing_context="fork"))
        print(next(batches).item(), next(batches).item(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    end = time.monotonic() + 10
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(running, pids))


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_spawned_workers():
    loader = DataLoader(Squares(3), batch_size=2, num_workers=1, multiprocessing_context="spawn")
    assert columns(loader) == [[0, 1], [2]]
    x = nbnn.arange(4).reshape(2, 2)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2, num_workers=1, multiprocessing_context="spawn")))
    assert batch.tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="must be defined in an importable module"):
        iter(DataLoader(Squares(3), num_workers=1, collate_fn=lambda s: s, multiprocessing_context="spawn"))
    assert no_children()
