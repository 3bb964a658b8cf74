"""When notes of attempts say that no further one will do better."""

from pathlib import Path
from typing import Any

import pytest

from batchprocess.protocol.records import Claim, Commit, encode, record_key
from batchprocess.runs.repeated_failures import (
    FailureNote,
    Place,
    ends_job,
    is_repeated,
    leave_note,
)
from batchprocess.storage.local import LocalStorage

NOTE = FailureNote(error="no", error_class="ValueError", line="a.py:3", row=7, job="j", node="a")


@pytest.fixture
def store(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def attempt(number: int, shard: int = 0, batch: int = 3) -> Place:
    return Place(shard, batch, f"{number:032x}")


def fails(store: LocalStorage, number: int, **changes: Any) -> bool:
    """An attempt leaves its note; whether it finds that to be a repetition."""
    note = NOTE.model_copy(update=changes)
    leave_note(store, attempt(number), note)
    return is_repeated(store, attempt(number), note)


def test_the_second_attempt_decides_on_another_node_and_the_third_on_the_same(
    store: LocalStorage,
) -> None:
    assert not fails(store, 1)
    assert not fails(store, 2)
    assert fails(store, 3)
    assert fails(store, 4, node="b")


def test_on_one_machine_the_second_decides(store: LocalStorage) -> None:
    assert not fails(store, 1, node=None)
    assert fails(store, 2, node=None)


@pytest.mark.parametrize(
    "other",
    [
        {"error_class": "KeyError"},
        {"line": "a.py:4"},
        {"row": 8},
        {"job": "younger"},
        {"retry": 1},
    ],
    ids=str,
)
def test_another_failure_is_none_of_these(store: LocalStorage, other: dict[str, Any]) -> None:
    assert not fails(store, 1, node=None, **other)
    assert not fails(store, 2, node=None)


def test_a_failure_of_no_line_and_one_of_another_batch_repeat_nothing(
    store: LocalStorage,
) -> None:
    assert not fails(store, 1, line="", node=None)
    assert not fails(store, 2, line="", node=None)
    leave_note(store, attempt(3, batch=30), NOTE)
    assert not fails(store, 4)


def test_notes_of_others_that_cannot_be_read_count_as_none(store: LocalStorage) -> None:
    for number, body in enumerate((b"", b"[", b'{"error": 1}', b"{" * 100_000)):
        store.put(f"ledger/00000/failed-3-{number:032x}.json", body)
    assert not fails(store, 9, node=None)


def record(store: LocalStorage, shard: int, seq: int = 1, cursor: int = 0) -> None:
    same = {"shard": shard, "seq": seq, "prev": None, "nonce": "n", "attempt": "a", "job": "j"}
    head = {**same, "cursor": cursor, "at": "2026-01-01T00:00:00Z"}
    made = Commit(**head, batches=(0, cursor), rows=(0, cursor)) if cursor else Claim(**head)
    store.create(record_key(shard, seq), encode(made))


def test_the_third_shard_ends_the_job_if_none_has_committed(store: LocalStorage) -> None:
    for shard in range(3):
        record(store, shard)
    assert [ends_job(store, attempt(9, shard), NOTE, 5) for shard in (0, 1, 1)] == [False] * 3
    assert ends_job(store, attempt(9, 2), NOTE, 5)
    later = NOTE.model_copy(update={"retry": 1})
    assert not ends_job(store, attempt(9, 2), later, 5)
    record(store, 4, cursor=2)
    assert not ends_job(store, attempt(9, 2), NOTE, 5)
