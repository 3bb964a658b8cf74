"""A run goes on only with the cut that it began with."""

import pytest

from batchprocess.ledger.run import open_run
from batchprocess.protocol.errors import (
    DatasetChanged,
    InvalidArgument,
    RunMismatch,
)
from batchprocess.protocol.run import Asked
from batchprocess.runs.perform import perform
from support.ledger_steps import RUN
from support.storage.fake_storage import FakeMemoryStorage


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"batch_size": 2}, RunMismatch, "batchSize is 2, but this run was started with 1;"),
        ({"shards": 2}, RunMismatch, "shards is 2.*start another run .batchprocess run --fresh"),
        ({"processor": "Q"}, RunMismatch, "processor is 'Q'"),
        ({"max_batches": 3}, RunMismatch, "maxBatches is 3"),
        ({"rows": 9}, DatasetChanged, "9 rows here, but the run was started with 10"),
        ({"fingerprint": "0123456789abcdef"}, DatasetChanged, "fingerprint is 0123456789ab here"),
        ({"fingerprint": None}, DatasetChanged, "is the data random, or are file lists unsorted"),
    ],
)
def test_a_run_cut_otherwise_is_refused_with_both_values(change, error, sentence):
    store, run = FakeMemoryStorage(), RUN.model_copy(update={"fingerprint": "f"})
    perform(open_run(run), store)
    with pytest.raises(error, match=sentence):
        perform(open_run(run.model_copy(update=change)), store)
    assert perform(open_run(run.model_copy(update={"versions": {"x": "1"}})), store) == run


def test_a_run_that_began_without_a_fingerprint_takes_any():
    store = FakeMemoryStorage()
    perform(open_run(RUN), store)
    assert perform(open_run(RUN.model_copy(update={"fingerprint": "f"})), store) == RUN


def test_a_run_json_that_nobody_could_read_is_not_written():
    store, deep = FakeMemoryStorage(), 1
    for _ in range(220):
        deep = [deep]
    run = RUN.model_copy(update={"asked": Asked(shards=1, hparams={"tree": deep})})
    with pytest.raises(InvalidArgument, match="run.json would be unreadable: .*recursion limit"):
        perform(open_run(run), store)
    assert list(store.list("")) == []
