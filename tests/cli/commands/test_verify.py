"""`batchprocess verify` passes what is whole and names what was tampered with."""

import hashlib
from array import array
from collections.abc import Callable

import pytest

from batchprocess.protocol.bad_rows import BadRow, encode_bad_rows
from batchprocess.protocol.records import MetricEntry
from batchprocess.protocol.rows.row_list import row_list_key
from batchprocess.runs.perform import perform
from batchprocess.runs.row_lists.stored_list import keep_rows, listed
from batchprocess.storage.base import Storage
from support.commands import Command
from support.storage.made_run import RUN, complete, data_key, record


def test_verify_passes_what_is_whole(run: Storage, going: Storage, batchprocess: Command) -> None:
    for storage in (run, going):
        said = batchprocess("verify", storage.uri, "--json")
        assert (said.code, said.json["problems"]) == (0, [])
    assert batchprocess("verify", run.uri).out == "5 files, 2 shards, 0 problems\n"
    said = batchprocess("verify", going.uri)
    assert said.out == "4 files, 2 shards, 0 problems so far; the run is not complete\n"


ORPHAN = f"tables/rows/00000-00000009-{'0' * 32}.jsonl"


def test_verify_finds_what_is_in_a_tables_folder_and_in_no_record(
    job_folder: Storage, batchprocess: Command
) -> None:
    run = job_folder.at("tables")
    complete(run, saved=True)
    run.put("tables/rows/_delta_log/00000000000000000000.json", b"{}")
    assert batchprocess("verify", run.uri).out == "5 files, 2 shards, 0 problems\n"
    for key in (ORPHAN, "tables/theirs.jsonl"):
        run.put(key, b"late")
        said = batchprocess("verify", run.uri)
        assert (said.code, said.out.split("\n")[0]) == (
            93,
            f"{key} is a stray: in no record, but whoever reads its folder takes it",
        )
        run.delete(key)


TAMPERING = {
    "changed bytes": (lambda run: run.put(data_key(run), b"0\n9\n"), "was changed: its digest"),
    "cut file": (lambda run: run.put(data_key(run), b"0"), "with 4 bytes, but it has 1"),
    "lost file": (lambda run: run.delete(data_key(run)), "which is missing"),
    "lost record": (lambda run: run.delete(record(3)), "differs from what the ledgers say"),
    "two lost records": (
        lambda run: (run.delete(record(2)), run.delete(record(3))),
        "record 2 of shard 0 is missing, although record 5 stands: was the bucket cleaned",
    ),
    "rewritten record": (
        lambda run: run.put(record(2), run.get(record(2)).replace(b"rows.txt", b"rowz.txt")),
        "was not built on the record that stands below it",
    ),
    "foreign key": (
        lambda run: run.put(
            record(2), run.get(record(2)).replace(b'"key":"data/', b'"key":"../../data/')
        ),
        "which is not below its own data/00000/00000002-",
    ),
    "metric group of a path": (
        lambda run: run.put(
            record(2),
            run.get(record(2)).replace(
                b'"metrics":[]',
                b'"metrics":[{"group":"../../x","steps_completed":1,"metrics":{}}]',
            ),
        ),
        "has metric group '../../x', which cannot name a file",
    ),
    "broken listing": (
        lambda run: run.put(f"inputs/{'5' * 32}/listing.json", b"{}"),
        "listing.json cannot be read: roots",
    ),
    "lost manifest": (lambda run: run.delete("manifest.jsonl"), "manifest.jsonl is missing"),
    "other manifest": (lambda run: run.put("manifest.jsonl", b""), "differs from what"),
    "lost summary": (lambda run: run.delete("summary.json"), "summary.json is missing"),
    "broken summary": (lambda run: run.put("summary.json", b"{"), "summary.json cannot be read"),
    "other summary": (
        lambda run: run.put(
            "summary.json", run.get("summary.json").replace(b'"rows": 10', b'"rows": 11')
        ),
        "summary.json says 11 rows, the ledgers 10",
    ),
    "broken success": (lambda run: run.put("_SUCCESS", b"{"), "Invalid JSON"),
    "other success": (
        lambda run: run.put("_SUCCESS", b'{"manifest":"' + b"0" * 64 + b'"}'),
        "_SUCCESS names another manifest",
    ),
}


@pytest.fixture
def with_bad_rows(job_folder: Storage) -> Storage:
    """A complete run without rows 2, 3 and 9."""
    complete(job_folder.at("bad"), bad=(2, 3, 9))
    return job_folder.at("bad")


def _bad_rows_of(body: bytes) -> Callable[[Storage], None]:
    """Other bad rows of record 3, in shard 0, with the digest and size that they have."""

    def change(run: Storage) -> None:
        key = next(item.key for item in run.list("errors/00000/"))
        old, stored = run.get(key), run.get(record(3))
        run.put(key, body)
        digests = [hashlib.sha256(one).hexdigest().encode() for one in (old, body)]
        sizes = [b'"size":%d,' % len(one) for one in (old, body)]
        run.put(record(3), stored.replace(*digests).replace(*sizes))

    return change


def _line(row: int, batch: int = 1) -> bytes:
    made = BadRow(row=row, batch=batch, stage="reading", type="ValueError")
    return encode_bad_rows([made])


BAD_ROWS = {
    "changed": (
        lambda run: run.put(key := next(run.list("errors/")).key, run.get(key).upper()),
        "line 1 is no bad row",
    ),
    "cut": (_bad_rows_of(_line(2)), "has 1 bad rows, its record 2"),
    "same length": (
        lambda run: run.put(
            key := next(run.list("errors/")).key, run.get(key).replace(b"Value", b"Other")
        ),
        "was changed: its digest is not the one in the ledger",
    ),
    "lost": (lambda run: run.delete(next(run.list("errors/")).key), "which is missing"),
    "of another batch": (_bad_rows_of(_line(2) + _line(3, 0)), "has row 3 in batch 0, not in 1"),
    "of another record": (_bad_rows_of(_line(2) + _line(4, 2)), "has row 4, which its record has"),
    "twice": (_bad_rows_of(_line(2) + _line(2)), "line 2 has row 2 after 2"),
    "endless": (_bad_rows_of(b" " * 200_000), "has a line of more than 65536 bytes"),
    "more in the summary": (
        lambda run: run.put(
            "summary.json", run.get("summary.json").replace(b'"badRows": 3', b'"badRows": 4')
        ),
        "summary.json says 4 bad rows, the ledgers 3",
    ),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_verify_finds_tampering_with_bad_rows(
    with_bad_rows: Storage, batchprocess: Command, kind: str
) -> None:
    assert batchprocess("verify", with_bad_rows.uri).code == 0
    change, sentence = BAD_ROWS[kind]
    change(with_bad_rows)
    said = batchprocess("verify", with_bad_rows.uri)
    assert said.code == 93, said
    assert sentence in said.out


def listed_run(run: Storage, rows: "array[int]") -> str:
    """Have the run be over these rows of 400; the key of their list."""
    about = listed(rows, "before", 400)
    perform(keep_rows(rows, about), run)
    run.put("run.json", RUN.model_copy(update={"listed": about}).model_dump_json().encode())
    return row_list_key(about.sha256)


def test_verify_knows_the_rows_of_a_run_over_some_and_finds_tampering_with_their_list(
    with_bad_rows: Storage, batchprocess: Command
) -> None:
    key = listed_run(with_bad_rows, array("q", range(10)))
    assert batchprocess("verify", with_bad_rows.uri).code == 0
    body = with_bad_rows.get(key) or b""
    with_bad_rows.put(key, body[8:] + body[:8])
    for sentence in (f"{key} was changed: its digest is not the", f"{key} is missing"):
        said = batchprocess("verify", with_bad_rows.uri)
        assert (said.code, sentence in said.out) == (93, True), said
        with_bad_rows.delete(key)
    listed_run(with_bad_rows, array("q", range(5, 15)))
    said = batchprocess("verify", with_bad_rows.uri)
    assert said.code == 93
    assert "has row 2, which its record has not" in said.out


@pytest.mark.parametrize("kind", TAMPERING)
def test_verify_finds_tampering(run: Storage, batchprocess: Command, kind: str) -> None:
    change, sentence = TAMPERING[kind]
    change(run)
    said = batchprocess("verify", run.uri)
    assert said.code == 93, said
    assert sentence in said.out


def test_a_lost_record_of_a_run_that_still_goes_on_is_named(
    going: Storage, batchprocess: Command
) -> None:
    going.delete(record(3))
    said = batchprocess("verify", going.uri)
    assert said.code == 93
    assert "record 3 of shard 0 is missing, although record 5 stands" in said.out


METRICS = {
    "lost": (lambda run: run.delete("metrics/g.jsonl"), "metrics/g.jsonl is missing"),
    "changed": (lambda run: run.put("metrics/g.jsonl", b""), "metrics/g.jsonl differs from what"),
    "forged": (
        lambda run: run.put("metrics/mine.jsonl", b"{}"),
        "metrics/mine.jsonl is there, but no record has such metrics",
    ),
}


@pytest.mark.parametrize("kind", METRICS)
def test_metrics_are_those_of_the_records(
    job_folder: Storage, batchprocess: Command, kind: str
) -> None:
    run = job_folder.at("measured")
    complete(run, metrics=(MetricEntry(group="g", steps_completed=1, metrics={"loss": 0.5}),))
    assert batchprocess("verify", run.uri).code == 0
    change, sentence = METRICS[kind]
    change(run)
    said = batchprocess("verify", run.uri)
    assert said.code == 93
    assert sentence in said.out


def test_a_record_that_is_none_is_named(run: Storage, batchprocess: Command) -> None:
    run.put(record(2), b"not json")
    said = batchprocess("verify", run.uri)
    assert said.code == 93
    assert "ledger/00000/00000002.json" in said.err
