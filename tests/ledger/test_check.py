"""What a ledger may not say, whoever has written it."""

from dataclasses import replace

import pytest

from batchprocess.ledger.check import problems
from batchprocess.ledger.read import read_shard
from batchprocess.protocol.file_names import table_key
from batchprocess.protocol.records import (
    CommittedFile,
    KeptBadRows,
    MetricEntry,
    ReducerEntry,
)
from batchprocess.runs.perform import perform
from support.ledger_steps import PLAN, completed, me
from support.storage.fake_storage import FakeMemoryStorage

NONCE = "a" * 32


def found(**changes):
    """Problems of a sound shard whose commit was changed so."""
    completed(store := FakeMemoryStorage(), me())
    ledger = perform(read_shard(0), store)
    claim, commit, seal = ledger.records
    changed = replace(commit, record=commit.record.model_copy(update=changes))
    sizes = {key: len(body) for key, body in store.objects.items()}
    sizes |= {item.key: item.size for item in changed.record.objects()}
    return list(problems(replace(ledger, records=(claim, changed, seal)), PLAN, sizes))


def files(*names, prefix="data/00000/00000002-A-1/"):
    return tuple(CommittedFile(name=n, key=prefix + n, size=1, sha256="0") for n in names)


def reducer(key):
    held = CommittedFile(name="total", key=key, size=1, sha256="0")
    return (ReducerEntry(name="total", kind="state", object=held),)


def metrics(group):
    return (MetricEntry(group=group, steps_completed=1, metrics={}),)


def bad(count, total, key="errors/00000/00000002-A-1.jsonl", skipped=0):
    held = key and CommittedFile(name="x", key=key, size=1, sha256="0")
    return KeptBadRows(count=count, total=total, object=held, skipped=skipped)


def test_bad_rows_that_records_can_have_are_no_problem():
    assert found(bad_rows=bad(10, 10)) == []
    # An attempt of an older version before this one has counted none.
    assert found(bad_rows=bad(2, 0)) == []
    assert found(bad_rows=bad(0, 0, key=None)) == []
    assert found(bad_rows=bad(0, 0, skipped=10)) == []


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (bad(11, 11), "has 11 bad rows of 10"),
        (bad(2, 3), "says that the shard has 3 bad rows, but its records have 2"),
        (bad(2, 2, key=None), "has 2 bad rows and names no object"),
        (bad(0, 0), "has 0 bad rows and names an object"),
        (bad(1, 1, skipped=10), "has 11 rows left out of 10"),
        (bad(0, 0, key=None, skipped=2), "has 2 rows left out and names no object"),
        (bad(1, 1, key="data/00000/00000002-A-1/x"), "keeps bad rows at 'data/00000/00000002-A-1"),
        (bad(1, 1, key="errors/00000/00000002-B.jsonl"), "which is not errors/00000/00000002-A-1"),
    ],
)
def test_bad_rows_that_no_honest_writer_counts_are_named(kept, sentence):
    (problem,) = found(bad_rows=kept)
    assert sentence in problem


def test_a_sound_shard_has_no_problem():
    assert found() == []
    assert found(files=files("a", "deep/b")) == []
    assert found(reducers=reducer("data/00000/00000002-A-1.reducers/0000.json")) == []
    assert found(metrics=metrics("loss per step")) == []


def test_a_table_and_its_schema_go_together():
    key = table_key("x.parquet", 0, 2, NONCE)
    table = CommittedFile(name="x.parquet", key=key, size=1, sha256="0")
    assert found(files=(table,), nonce=NONCE, schemas={"x.parquet": "0" * 64}) == []
    (problem,) = found(files=(table,), nonce=NONCE)
    assert f"has {key}, and no schema of 'x.parquet'" in problem
    (problem,) = found(schemas={"y.npy": "0" * 64})
    assert "goes by a schema of 'y.npy', and has no such file" in problem
    lines = table.model_copy(update={"name": "x.jsonl", "key": key.replace("parquet", "jsonl")})
    assert found(files=(lines,), nonce=NONCE) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rows": (0, 9)}, "says rows [0, 9), but its batches have [0, 10)"),
        ({"rows": (10, 0)}, "says rows [10, 0), but"),
        ({"files": files("../y")}, "names what it must not: file name '../y' is not allowed"),
        ({"files": files("a/")}, "names what it must not: file name 'a/'"),
        ({"files": files("a", "b", "a")}, "names 'a' 2 times"),
        ({"files": files("a", "a/b/c")}, "names 'a' as a file and as a folder"),
        (
            {"files": files("a", prefix="data/00000/00000001-A-0/")},
            "names 'data/00000/00000001-A-0/a', which is not below its own data/00000/00000002-A-",
        ),
        ({"files": files("a", prefix="../")}, "names '../a', which is not below its own"),
        ({"nonce": "../../x"}, "has the nonce '../../x', which names other folders"),
        ({"reducers": reducer("latest")}, "keeps a reducer at 'latest', which is not its own"),
        (
            {"reducers": reducer("data/00000/00000002-A-1.reducers/../0000.json")},
            "which is not its own",
        ),
        ({"metrics": metrics("../run")}, "has metric group '../run', which cannot name a file"),
        ({"metrics": metrics("")}, "has metric group '', which"),
        ({"metrics": metrics("g" * 255)}, "has metric group 'gg"),
    ],
)
def test_what_no_honest_writer_says_is_named(changes, sentence):
    wrong = found(**changes)
    assert wrong
    assert all(problem.startswith("shard 0, record 2 (commit) ") for problem in wrong)
    assert any(sentence in problem for problem in wrong), wrong
