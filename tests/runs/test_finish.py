"""The end of a run, on folders that the ledger's own code has made."""

import hashlib
from collections.abc import Sequence
from functools import partial

import pytest

from batchprocess.ledger.attempt import claim, commit, seal
from batchprocess.ledger.documents import Reduction
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.effects import Staged
from batchprocess.ledger.finalize import close
from batchprocess.ledger.identity import Identity
from batchprocess.ledger.run import plan_of
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.errors import RunMismatch, TakenOver, TooManyBadRows, VerificationError
from batchprocess.protocol.records import MetricEntry, record_key
from batchprocess.protocol.run import Asked, RunInfo
from batchprocess.runs.finish import finish, identity
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import JOB, begin, work
from support.storage.made_run import RUN as RUN_OF_TWO

RUN = RunInfo(rows=2, batch_size=2, batches=1, shards=1, processor="P")


def run_to_the_end(metrics=(), files=()):
    store = FakeMemoryStorage()
    begin(store, RUN)
    work_to_the_end(store, metrics, files)
    finish_again(store)
    return store


def work_to_the_end(store, metrics=(), files=()):
    numbers = iter(range(9))
    me = Identity(0, JOB, "a", lambda: f"{next(numbers):032x}", lambda: "2026-01-01T00:00:00Z", 0)
    position = perform(claim(me, max_without_progress=3), store).position
    named = tuple((name, staged(name.encode())) for name in files)
    draft = Draft((0, 1), (0, 2), named, metrics=metrics)
    position = perform(commit(me, position, draft), store)
    perform(seal(me, position, Draft((1, 1), (2, 2), ()), batches=1), store)


def staged(body):
    return Staged(body, len(body), hashlib.sha256(body).hexdigest())


def finish_again(store, asked=None, failed=None, allowed=None):
    limit = (
        {} if allowed is None else {"bad_rows_allowed": partial(BadRowLimit.of, "skip", allowed)}
    )
    told = limit | {"asked": asked, "failed": failed, "reduce": lambda _entries: Reduction({})}
    return finish(store, job=JOB, run_id="r", patience=Patience(5), **told)


def test_a_run_without_any_output_is_told(caplog):
    run_to_the_end()
    assert "the run has no output" in caplog.text
    assert "is on_checkpoint_start misspelt" in caplog.text


def test_metrics_are_an_output(caplog):
    run_to_the_end((MetricEntry(group="g", steps_completed=1, metrics={"a": 1}),))
    assert caplog.messages == []


@pytest.fixture
def final():
    """A final run of two files, and an orphan that is to be cleaned."""
    store = run_to_the_end(files=("a", "b"))
    store.objects["data/00000/00000009-zombie/out"] = b"late"
    return store


def test_a_final_run_is_cleaned_of_what_no_record_names_and_of_nothing_else(final):
    kept = set(final.objects) - {"data/00000/00000009-zombie/out"}
    final.unlisted = {key for key in kept if key.startswith("data/")}
    finish_again(final)
    assert set(final.objects) == kept


@pytest.mark.parametrize("number", [1, 2, 3])
def test_nothing_is_deleted_of_a_final_run_that_lacks_a_record(final, number):
    del final.objects[record_key(0, number)]
    before = dict(final.objects)
    with pytest.raises(VerificationError, match="missing"):
        finish_again(final)
    assert final.objects == before


def test_nothing_is_deleted_of_a_final_run_whose_ledger_was_written_anew(final):
    for key in [key for key in final.objects if key.startswith(("ledger/", "data/"))]:
        del final.objects[key]
    work_to_the_end(final, files=("c",))
    final.objects["data/00000/00000002-first/a"] = b"of the manifest"
    before = dict(final.objects)
    with pytest.raises(VerificationError, match="do not say what _SUCCESS was written of; was the"):
        finish_again(final)
    assert final.objects == before


def test_nothing_is_deleted_of_a_final_run_that_lacks_a_file(final):
    key = min(key for key in final.objects if key.startswith("data/"))
    del final.objects[key]
    before = dict(final.objects)
    with pytest.raises(VerificationError, match=f"names {key}, which is missing"):
        finish_again(final)
    assert final.objects == before


def test_no_shard_is_abandoned_for_a_job_of_another_number_of_shards():
    store = FakeMemoryStorage()
    begin(store, RUN.model_copy(update={"shards": 2}))
    before = dict(store.objects)
    with pytest.raises(RunMismatch, match="shards is 1, but this run was started with 2"):
        finish_again(store, Asked(shards=1))
    assert store.objects == before


def test_a_final_run_is_no_result_of_a_job_with_other_hparams(final):
    run = RUN.model_copy(update={"asked": Asked(shards=1, hparams={"tag": "A"})})
    final.objects["run.json"] = run.model_dump_json().encode()
    with pytest.raises(RunMismatch, match=r"hparams.tag is \"B\", but this run was started with"):
        finish_again(final, Asked(shards=1, hparams={"tag": "B"}))


class TestFailed:
    """Which shards the finalizer may close."""

    def made(self):
        store = FakeMemoryStorage()
        begin(store)
        return store

    def test_an_open_shard_that_has_not_failed_is_no_complete_run_and_none_is_closed(self):
        store = self.made()
        work(store, 1, end=1)
        before = sorted(item.key for item in store.list(""))
        with pytest.raises(VerificationError, match="shard 1 has no seal at batch 1"):
            finish_again(store, failed=(0,))
        assert sorted(item.key for item in store.list("")) == before

    def test_one_that_has_is_closed_and_the_others_count(self):
        store = self.made()
        work(store, 0)
        assert finish_again(store, failed=(1,)).failedShards == (1,)

    def test_a_complete_seal_among_them_counts_as_complete(self):
        store = self.made()
        work(store, 0)
        work(store, 1)
        assert finish_again(store, failed=(0, 1)).failedShards == ()

    def test_a_shard_of_a_younger_job_is_taken_over_before_all_else(self):
        store = self.made()
        work(store, 0, end=1, job=f"{JOB}-younger")
        with pytest.raises(TakenOver):
            finish_again(store, failed=())

    def test_after_the_abandoned_seal_of_one_before_it_says_the_same(self):
        store = self.made()
        work(store, 0)
        perform(close(identity(JOB, 1), plan_of(RUN_OF_TWO)), store)
        assert finish_again(store, failed=()).failedShards == (1,)


BAD = Sequence[int]


def unfinished(bad: BAD, end: int | None = None) -> FakeMemoryStorage:
    """A run of two shards and ten rows; of shard 1, batches up to `end`."""
    begin(store := FakeMemoryStorage())
    work(store, 0, bad=bad)
    work(store, 1, bad=bad, end=end)
    return store


def test_more_bad_rows_than_are_allowed_write_nothing_and_close_no_shard():
    store = unfinished(bad=(0, 1, 7), end=1)
    before = dict(store.objects)
    with pytest.raises(
        TooManyBadRows, match=r"the run has 3 bad rows, and .* allows 20% of 10 row"
    ):
        finish_again(store, failed=[1], allowed="20%")
    assert store.objects == before
    # With a higher limit its worker goes on, and the run is finished.
    work(store, 1, bad=(7,))
    assert finish_again(store, failed=[], allowed="3").badRows == 3


@pytest.mark.parametrize(("bad", "allowed"), [((4,), "1%"), ((0, 9), "20%"), ((1, 2), "2")])
def test_as_many_bad_rows_as_are_allowed_are_finished_and_counted(bad: BAD, allowed: str):
    assert finish_again(unfinished(bad), allowed=allowed).badRows == len(bad)


def test_a_job_that_skips_no_row_does_not_finish_a_run_of_bad_rows():
    with pytest.raises(
        TooManyBadRows, match="has 1 bad rows, and failurePolicy.maxBadRows allows 0"
    ):
        finish_again(unfinished(bad=(3,)))


def test_a_run_that_is_final_stays_so_whatever_a_later_job_allows():
    store = unfinished(bad=(3,))
    finish_again(store, allowed="1")
    assert finish_again(store, allowed="0").badRows == 1
