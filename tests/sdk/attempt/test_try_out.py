"""What a processor would save is given back, and nothing is left of the trial."""

import io
import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from torch.utils.data import TensorDataset

from batchprocess import MetricReducer, TorchBatchProcessor, try_out
from batchprocess.protocol.errors import InvalidArgument, WrongType

DATA = TensorDataset(torch.arange(10.0))


class Largest(MetricReducer):
    def reset(self):
        self.value = float("-inf")

    def update(self, value):
        self.value = max(self.value, value)

    def per_slot_reduce(self):
        return self.value

    def cross_slot_reduce(self, values):
        return max(values)


class Full(TorchBatchProcessor):
    """Uses all that a context has."""

    def __init__(self, context):
        self.context = context
        self.sizes = context.wrap_reducer(list, name="sizes")
        self.largest = context.wrap_reducer(Largest(), name="largest")

    def process_batch(self, batch, batch_idx):
        self.context.save("doubled.parquet", batch[0] * 2)
        self.sizes.update(len(batch[0]))
        self.largest.update(float(batch[0].max()))
        self.context.report_metrics("batches", batch_idx, {"rows": len(batch[0])})

    def on_checkpoint_start(self):
        with self.context.upload_path() as path:
            (path / "part.json").write_text(json.dumps(self.context.get_hparams()))

    def on_finish(self):
        with self.context.upload_path() as path:
            (path / "part.json").write_text("last")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the trial stands; everything that it makes is below."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("loaders", [0, 2])
def test_all_that_would_be_committed_is_given_back(folder: Path, loaders: int) -> None:
    tried = try_out(
        Full,
        DATA,
        batch_size=3,
        hparams={"a": 1},
        dataloader_kwargs={"num_workers": loaders},
    )
    assert tried.rows == 6
    assert [one.name for one in tried.files] == ["doubled.parquet", "part.json", "part.json"]
    assert [one.content for one in tried.files[1:]] == [b'{"a": 1}', b"last"]
    table = pq.read_table(io.BytesIO(tried.files[0].content)).to_pydict()
    assert table == {"id": [0, 1, 2, 3, 4, 5], "doubled": [0, 2, 4, 6, 8, 10]}
    assert tried.metrics == {"sizes": [3, 3], "largest": 5.0}
    assert tried.reported_metrics == (
        {"group": "batches", "steps_completed": 0, "metrics": {"rows": 3}},
        {"group": "batches", "steps_completed": 1, "metrics": {"rows": 3}},
    )
    assert list(folder.iterdir()) == []
    assert repr(tried.files[1]) == "TriedFile('part.json', 8 bytes)"


def test_a_dataset_of_fewer_batches_is_tried_whole() -> None:
    assert try_out(Full, DATA, 5, batch_size=4).rows == 10
    assert try_out(Full, DATA, 1, batch_size=4).rows == 4


def test_an_error_of_user_code_is_raised_and_leaves_nothing(folder: Path) -> None:
    class Broken(Full):
        def process_batch(self, batch, batch_idx):
            self.context.save("x.npy", batch[0])
            raise KeyError(batch_idx)

    for _ in range(2):
        with pytest.raises(KeyError):
            try_out(Broken, DATA, batch_size=4)
    assert list(folder.iterdir()) == []


def test_what_the_call_would_refuse_is_refused(folder: Path) -> None:
    with pytest.raises(WrongType, match="is a stream"):
        try_out(Full, iter([1]), batch_size=1)
    with pytest.raises(InvalidArgument, match="num_worker"):
        try_out(Full, DATA, batch_size=1, dataloader_kwargs={"num_worker": 1})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("batches", [0, -1, 2.0, True, "2"])
def test_a_number_of_batches_that_is_none_is_named(batches) -> None:
    with pytest.raises(InvalidArgument, match=f"batches must be .* not {batches!r}"):
        try_out(Full, DATA, batches, batch_size=1)
