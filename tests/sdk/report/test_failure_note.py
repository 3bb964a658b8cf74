"""What an attempt ends with, by the notes that those before it have left."""

import json
from pathlib import Path

import pytest

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import StorageDenied
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs import repeated_failures
from batchprocess.runs.failure_notes import last_failures
from batchprocess.runs.patience import Patience
from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.failure_note import End, leave_failure_note
from batchprocess.storage.local import LocalStorage

JOB = WorkerEnvironment(job="j", job_name="j", run_uri="/x", shards=5)
PLAN = ShardPlan(40, 2, 5)


def ends(store: LocalStorage, number: int, where: Where) -> End:
    """How attempt `number` ends by an error whose text UTF-8 cannot hold."""
    with pytest.raises(ValueError, match="bad") as raised:
        raise ValueError("a bad \udcff row")
    return leave_failure_note(raised.value, where, f"{number:032x}", store, JOB)


@pytest.fixture
def store(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def in_batch(shard: int) -> Where:
    return Where(shard, "process_batch", batch=1, plan=PLAN, run_exists=True)


def test_the_second_attempt_ends_its_shard_and_the_third_shard_the_job(
    store: LocalStorage,
) -> None:
    codes = [ends(store, n, in_batch(shard)).code for shard in range(3) for n in (1, 2)]
    assert codes == [90, 92, 90, 92, 90, 91]
    code, sentence = ends(store, 3, in_batch(2))
    assert code == 91
    assert "3 shards have ended alike at every attempt, and none of the job has" in sentence
    assert sentence.startswith("process_batch raised ValueError: a bad \\udcff row (batch 1 of")


def test_bad_rows_may_be_left_out_where_they_are_not_yet(store: LocalStorage) -> None:
    way = "mend the code or the data, or have rows that fail left out (failurePolicy: {onBadRow: s"
    assert way in [ends(store, n, in_batch(0)) for n in (1, 2)][-1].sentence
    in_hook = Where(1, "on_checkpoint_start", batch=1, plan=PLAN, run_exists=True)
    last = [ends(store, n, in_hook) for n in (3, 4)][-1].sentence
    assert last.endswith("mend the code or the data")


def test_a_person_finds_the_note_by_the_batch(store: LocalStorage) -> None:
    ends(store, 1, in_batch(0))
    assert "a bad" in last_failures(store, {0: 0})[0].error
    (note,) = (Path(store.uri.removeprefix("file://")) / "ledger/00000").iterdir()
    read = json.loads(note.read_text())
    assert (read["error_class"], read["job"], read["retry"]) == ("ValueError", "j", 0)
    assert read["line"].startswith(__file__)
    assert "Traceback" in read["traceback"]


def test_on_finish_stands_behind_the_last_batch(store: LocalStorage) -> None:
    where = Where(0, "on_finish", plan=PLAN, run_exists=True)
    assert [ends(store, n, where).code for n in (1, 2)] == [90, 92]
    assert list(store.list("ledger/00000/failed-4-"))


def test_before_the_claim_no_note_is_left(store: LocalStorage) -> None:
    where = Where(0, "reading a batch", plan=PLAN)
    assert [ends(store, n, where).code for n in (1, 2)] == [90, 90]
    assert list(store.list()) == []


def test_trouble_with_the_storage_costs_another_attempt(
    store: LocalStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise StorageDenied("who are you?")

    ends(store, 1, in_batch(0))
    monkeypatch.setattr(store, "list", refuse)
    monkeypatch.setattr(repeated_failures, "_BRIEF", Patience(0))
    assert ends(store, 2, in_batch(0)).code == 90
    assert "notes of failures could not be left or read" in caplog.text
