"""The end of a run, on folders that the ledger's own code has made."""

from batchprocess.ledger.attempt import claim, commit, seal
from batchprocess.ledger.documents import Reduction
from batchprocess.ledger.draft import Draft
from batchprocess.ledger.identity import Identity
from batchprocess.protocol.records import MetricEntry
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.finish import finish
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import JOB, begin

RUN = RunInfo(rows=2, batch_size=2, batches=1, shards=1, processor="P")


def run_to_the_end(metrics=()):
    store, numbers = FakeMemoryStorage(), iter(range(9))
    begin(store, RUN)
    me = Identity(0, JOB, "a", lambda: f"{next(numbers):032x}", lambda: "2026-01-01T00:00:00Z", 0)
    position = perform(claim(me, max_without_progress=3), store).position
    draft = Draft((0, 1), (0, 2), (), metrics=metrics)
    position = perform(commit(me, position, draft), store)
    perform(seal(me, position, Draft((1, 1), (2, 2), ()), batches=1), store)
    finish(store, job=JOB, run_id="r", reduce=lambda _entries: Reduction({}), patience=Patience(5))


def test_a_run_without_any_output_is_told(caplog):
    run_to_the_end()
    assert "the run has no output" in caplog.text
    assert "is on_checkpoint_start misspelt" in caplog.text


def test_metrics_are_an_output(caplog):
    run_to_the_end((MetricEntry(group="g", steps_completed=1, metrics={"a": 1}),))
    assert caplog.messages == []
