"""Every usual kind of map dataset reaches the processor as a plain DataLoader hands it over."""

import json
import warnings
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from batchprocess import TorchBatchProcessor, results
from batchprocess.protocol.errors import InvalidArgument
from support.script_runs import Alone, Script

ROWS, BATCH_SIZE = 18, 4
Pair = namedtuple("Pair", "image label")


class Made(Dataset):
    """Rows made by a function of their number."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> Any:
        return self.make(row)


def joined(rows: list[Any]) -> str:
    """A collate function of a user's own."""
    return "+".join(map(str, rows))


def seed_worker(worker: int) -> None:
    """A worker_init_fn of a user's own."""
    assert worker in (0, 1)


DATASETS = {
    "tensors": (TensorDataset(torch.arange(ROWS * 3).reshape(ROWS, 3), torch.arange(ROWS)), {}),
    "dict": (Made(lambda row: {"text": f"row {row}", "score": row / 7}), {}),
    "tuple": (Made(lambda row: (torch.full((2, 2), row), str(row))), {}),
    "numpy": (Made(lambda row: np.full((3,), row, dtype=np.float32)), {}),
    "namedtuple": (Made(lambda row: Pair(torch.tensor(row), row)), {}),
    "nested": (Made(lambda row: {"a": [row, {"b": (row, np.int64(row))}]}), {}),
    "strings": (Made(str), {}),
    "list": (list(range(ROWS)), {}),
    "own collate": (Made(lambda row: {row}), {"collate_fn": joined}),
    "two workers": (Made(torch.tensor), {"num_workers": 2}),
    "persistent workers": (
        Made(lambda row: {"row": row}),
        {"num_workers": 2, "persistent_workers": True, "worker_init_fn": seed_worker},
    ),
    "prefetch": (Made(lambda row: row), {"num_workers": 1, "prefetch_factor": 4, "timeout": 60}),
}


@pytest.mark.parametrize("kind", DATASETS)
def test_batches_are_those_of_a_plain_loader(alone: Alone, kind: str) -> None:
    dataset, options = DATASETS[kind]
    seen: list[Any] = []

    class Keeping(TorchBatchProcessor):
        def __init__(self, context):
            pass

        def process_batch(self, batch, batch_idx):
            assert batch_idx == len(seen)
            seen.append(batch)

    alone.run(Keeping, dataset, batch_size=BATCH_SIZE, dataloader_kwargs=options)
    plain = list(DataLoader(dataset, batch_size=BATCH_SIZE, **options))
    torch.testing.assert_close(len(seen), len(plain))
    assert [type(batch) for batch in seen] == [type(batch) for batch in plain]
    assert repr(seen) == repr(plain)


def test_the_callers_options_are_not_changed(alone: Alone) -> None:
    options = {"batch_size": 6, "num_workers": 0}
    alone.run(Counting, DATASETS["list"][0], batch_size=None, dataloader_kwargs=options)
    assert options == {"batch_size": 6, "num_workers": 0}
    assert alone.summary()["batches"] == 3


def test_without_a_batch_size_it_is_1_and_says_so(alone: Alone) -> None:
    with pytest.warns(UserWarning, match="batch_size was given nowhere: using 1"):
        alone.run(Counting, DATASETS["list"][0], batch_size=None)
    assert alone.summary()["batches"] == ROWS


def test_max_batches_bounds_a_shard(alone: Alone) -> None:
    alone.run(Counting, DATASETS["list"][0], max_batches=2)
    assert (alone.summary()["batches"], alone.summary()["rows"]) == (2, 8)


@pytest.mark.parametrize("given", [0, -3, 1_000])
def test_an_impossible_bound_is_ignored_with_a_warning(alone: Alone, given: int) -> None:
    with pytest.warns(UserWarning, match=f"max_batches={given} is ignored"):
        alone.run(Counting, DATASETS["list"][0], max_batches=given)
    assert alone.summary()["rows"] == ROWS


def test_a_dataset_without_length_is_named(alone: Alone) -> None:
    class NoLength:
        def __getitem__(self, row):
            return row

    with pytest.raises(TypeError, match="NoLength has no length .*__len__"):
        alone.run(Counting, NoLength())


class Stream(IterableDataset):
    """Has a length, but no rows that could be asked for."""

    def __len__(self):
        return 8

    def __iter__(self):
        return iter(range(8))


@pytest.mark.parametrize("dataset", [Stream(), {1, 2}, (row for row in range(3))])
def test_a_dataset_without_rows_to_ask_for_is_named(alone: Alone, dataset: Any) -> None:
    name = type(dataset).__qualname__
    with pytest.raises(TypeError, match=f"{name} cannot be read row by row: .*__getitem__"):
        alone.run(Counting, dataset)


def test_a_processor_is_made_with_a_keyword(alone: Alone) -> None:
    class Keyword(Counting):
        def __init__(self, *, context):
            self.context = context

    alone.run(Keyword, DATASETS["list"][0])


def test_options_that_torch_refuses_begin_no_run(alone: Alone) -> None:
    with pytest.raises(InvalidArgument, match="dataloader_kwargs has no .num_worker."):
        alone.run(Counting, DATASETS["list"][0], dataloader_kwargs={"num_worker": 2})
    assert list(alone.folder.rglob("run.json")) == []


def test_a_second_call_in_one_process_is_refused(alone: Alone, tmp_path: Path) -> None:
    alone.run(Counting, DATASETS["list"][0])
    alone.renew = lambda: None
    with pytest.raises(RuntimeError, match="once per process"):
        alone.run(Counting, DATASETS["list"][0])


def test_a_good_call_warns_of_nothing(alone: Alone) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alone.run(Counting, DATASETS["list"][0])


class Counting(TorchBatchProcessor):
    """Does nothing with its batches."""

    def __init__(self, context):
        pass

    def process_batch(self, batch, batch_idx):
        pass


def test_a_job_without_a_script_collates_by_its_processor(script: Script) -> None:
    script.write(
        "code.py",
        """
import torch
from batchprocess import TorchBatchProcessor

class Padded(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    @staticmethod
    def collate_fn(rows):
        return torch.nn.utils.rnn.pad_sequence([torch.ones(row) for row in rows], batch_first=True)

    def process_batch(self, batch, batch_idx):
        self.context.save("sums.jsonl", {"sum": batch.sum(1)})

def lengths():
    return [3, 1, 4, 1, 5]
""",
    )
    script.job(processor="code:Padded", dataset="code:lengths", batchSize=2)
    done = script.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    text = b"".join(one.read() for one in results(json.loads(done.stdout)["uri"])).decode()
    assert [json.loads(line)["sum"] for line in text.splitlines()] == [3, 1, 4, 1, 5]
