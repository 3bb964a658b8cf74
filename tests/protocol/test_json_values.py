"""What is accepted into a document can be read out of one."""

import pytest

from batchprocess.protocol.json_values import MAX_LEVELS, as_readable, check_readable
from batchprocess.protocol.records import Commit, MetricEntry, ReducerEntry, decode, encode
from batchprocess.protocol.run import Asked


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def commit(**fields) -> Commit:
    return Commit(
        shard=0, seq=2, prev="p", nonce="n", attempt="a", job="j", cursor=1, at="",
        batches=(0, 1), rows=(0, 8), **fields,
    )  # fmt: skip


def test_as_deep_as_is_allowed_every_document_is_read_again() -> None:
    value = nested(MAX_LEVELS)
    check_readable(value)
    record = commit(
        reducers=(ReducerEntry(name="r", kind="slot", value=value),),
        metrics=(MetricEntry(group="g", steps_completed=1, metrics={"m": value}),),
    )
    assert decode(encode(record), shard=0, seq=2) == record
    asked = Asked(shards=1, hparams={"h": value})
    assert Asked.model_validate_json(asked.model_dump_json()) == asked


@pytest.mark.hostile
@pytest.mark.parametrize("levels", [MAX_LEVELS + 1, 260, 5_000])
def test_deeper_ones_are_refused(levels) -> None:
    with pytest.raises(ValueError, match="at most 190 lists and dicts in each other"):
        check_readable(nested(levels))


def test_what_has_no_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="could not be read again"):
        check_readable({"a": "\ud800"})
    assert as_readable("a\ud800ü") == "a\\ud800ü"
