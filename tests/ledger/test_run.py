"""A run goes on only with the cut that it began with."""

import pytest

from batchprocess.ledger.run import open_run, require_same, same_fingerprint
from batchprocess.protocol.errors import (
    DatasetChanged,
    InvalidArgument,
    RunMismatch,
)
from batchprocess.protocol.run import Asked, AskedRows, ListedRows, RunInfo
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


def begun(value: str | None, of: str | None = None, digest: str | None = None) -> RunInfo:
    return RUN.model_copy(
        update={"fingerprint": value, "fingerprint_of": of, "rows_digest": digest}
    )


@pytest.mark.parametrize(
    ("mine", "stored"),
    [
        (begun("a", "rows"), begun("a", "rows")),
        (begun("a"), begun(None)),
        (begun(None), begun(None)),
        (begun("here", "huggingface", "d"), begun("there", "huggingface", "d")),
    ],
)
def test_what_may_be_the_same_data_goes_on(mine, stored):
    require_same(mine, stored)


@pytest.mark.parametrize(
    ("mine", "stored", "sentence"),
    [
        (
            begun("v2", "attribute"),
            begun("v1", "attribute"),
            "own `fingerprint` is v2 here, .* v1: is",
        ),
        (begun("b", "rows"), begun("a", "rows"), "digest of eight rows of the dataset is b here"),
        (
            begun(None),
            begun("a", "rows"),
            "fingerprint is None here, .* eight of them could not be read here",
        ),
        (
            begun("here", "huggingface", "d"),
            begun("there", "huggingface", "e"),
            "`_fingerprint` of the dataset is here here, .* there, and of eight rows at least one",
        ),
        (
            begun("here", "huggingface", None),
            begun("there", "huggingface", None),
            "there, and eight rows could not be compared: .* set the dataset's attribute",
        ),
        (begun("here", "huggingface", "d"), begun("there"), "eight rows could not be compared"),
        (begun("v2", "attribute", "d"), begun("v1", "attribute", "d"), "start another run"),
    ],
)
def test_what_differs_is_told_by_its_name_with_the_way_out(mine, stored, sentence):
    with pytest.raises(DatasetChanged, match=sentence):
        require_same(mine, stored)


@pytest.mark.parametrize("of", ["rows", "huggingface", None])
def test_where_a_row_of_the_sample_is_left_out_by_hand_no_digest_is_compared(of):
    stored = RUN.model_copy(update={"fingerprint": "f", "fingerprint_of": of})
    mine = asked_to_skip(RUN.rows - 1)
    assert same_fingerprint(mine, stored)
    assert not same_fingerprint(asked_to_skip(3), stored)


def test_a_list_of_other_rows_is_another_run_though_they_are_as_many():
    one, other = (ListedRows(bad_rows_of="a", dataset_rows=40, sha256=digit * 64) for digit in "01")
    stored = RUN.model_copy(update={"listed": one})
    require_same(stored, stored)
    for listed in (other, None):
        with pytest.raises(RunMismatch, match=r"others than .* the ones of a \(000000000000\)"):
            require_same(RUN.model_copy(update={"listed": listed}), stored)


def test_a_datasets_own_fingerprint_is_compared_whatever_is_left_out():
    stored = RUN.model_copy(update={"fingerprint": "f", "fingerprint_of": "attribute"})
    assert not same_fingerprint(asked_to_skip(0), stored)


def asked_to_skip(row):
    asked = Asked(shards=2, rows=AskedRows(skip=(row,)))
    return RUN.model_copy(update={"asked": asked, "fingerprint": None})
