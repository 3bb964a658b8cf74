"""One schema for each table: whoever is first, whatever is lost on the way."""

from dataclasses import replace

import pytest

from batchprocess.ledger.effects import Create, CreateReply, Get, Pause, Sync
from batchprocess.ledger.read import read_shard
from batchprocess.ledger.tables.table_schemas import (
    agree_on,
    known_schemas,
    named_schemas,
    read_schema,
    require_schemas,
    schema_problems,
)
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import digest
from batchprocess.protocol.tables.table_schema import SchemaColumn, TableSchema, schema_key
from batchprocess.runs.perform import perform
from support.ledger_steps import completed, me
from support.storage.fake_storage import FakeMemoryStorage

KEY = schema_key("x.npy")


def schema(dtype: str, name: str = "x.npy") -> TableSchema:
    columns = (SchemaColumn(name="id", type="int64", shape=()), SchemaColumn(name="x", type=dtype))
    return TableSchema(name=name, columns=columns)


def test_the_first_ones_is_the_runs_and_the_second_is_told_it() -> None:
    store = FakeMemoryStorage()
    first = perform(agree_on(schema("float32")), store)
    assert first.schema == schema("float32")
    assert first.digest == digest(store.objects[KEY])
    for other in ("float32", "float64"):
        assert perform(agree_on(schema(other)), store) == first
    assert perform(read_schema("x.npy"), store) == first
    assert perform(known_schemas(), store) == {"x.npy": first}


def test_there_is_none_before() -> None:
    assert perform(read_schema("x.npy"), FakeMemoryStorage()) is None
    assert perform(known_schemas(), FakeMemoryStorage()) == {}


def test_a_lost_answer_is_looked_up_and_what_stands_counts() -> None:
    flow = agree_on(schema("float32"))
    create = next(flow)
    assert isinstance(create, Create)
    assert flow.send(CreateReply.UNKNOWN) == Get(KEY)
    assert flow.send(None) == Pause(1)
    assert flow.send(None) == create
    assert flow.send(CreateReply.EXISTS) == Get(KEY)
    assert flow.send(create.body) == Sync(KEY)
    with pytest.raises(StopIteration) as ended:
        flow.send(None)
    assert ended.value.value.schema == schema("float32")


def test_what_others_have_written_is_durable_before_it_is_acted_on() -> None:
    flow = known_schemas()
    next(flow)
    flow.send({KEY: 9, "schemas/deep/y.npy.json": 9, "schemas/z": 9, "schemas/large.json": 2 << 20})
    body = schema("int8").model_dump_json().encode()
    deep = schema("int8", "deep/y.npy").model_dump_json().encode()
    assert {flow.send([deep, body]), flow.send(None)} == {
        Sync(KEY),
        Sync("schemas/deep/y.npy.json"),
    }


@pytest.mark.parametrize("body", [b"{", schema("int8", "y.npy").model_dump_json().encode()])
def test_what_is_no_schema_of_this_name_is_an_error_of_verification(body: bytes) -> None:
    store = FakeMemoryStorage()
    store.create(KEY, body)
    with pytest.raises(VerificationError, match=KEY):
        perform(read_schema("x.npy"), store)


def test_a_schema_larger_than_every_attempt_should_read_is_refused() -> None:
    columns = tuple(SchemaColumn(name="c" * 1000 + str(n), type="int8") for n in range(1100))
    store = FakeMemoryStorage()
    with pytest.raises(ValueError, match="1100 columns have .* bytes, at most 1048576 are kept"):
        perform(agree_on(TableSchema(name="x.npy", columns=columns)), store)
    assert not store.objects


def ledger_with(store: FakeMemoryStorage, **schemas: str):
    """A sound shard whose commit goes by these."""
    if "ledger/00000/00000001.json" not in store.objects:
        completed(store, me())
    ledger = perform(read_shard(0), store)
    claim, commit, seal = ledger.records
    changed = replace(commit, record=commit.record.model_copy(update={"schemas": schemas}))
    return replace(ledger, records=(claim, changed, seal))


def test_verification_misses_a_schema_and_tells_of_another() -> None:
    store = FakeMemoryStorage()
    kept = perform(agree_on(schema("int8", "a")), store)
    perform(require_schemas([ledger_with(store, a=kept.digest)]), store)
    for found, sentence in (
        ({"b": "0" * 64}, "record 2 (commit) goes by schemas/b.json, which is missing"),
        ({"a": "0" * 64}, "goes by another schema of 'a' than schemas/a.json"),
    ):
        ledger = ledger_with(store, **found)
        (problem,) = perform(schema_problems(named_schemas([ledger])), store)
        assert sentence in problem
        with pytest.raises(VerificationError, match="schema"):
            perform(require_schemas([ledger]), store)


def test_no_store_is_asked_for_a_key_that_a_forged_name_makes() -> None:
    assert named_schemas([ledger_with(FakeMemoryStorage(), **{"../../x": "0" * 64})]) == {}
