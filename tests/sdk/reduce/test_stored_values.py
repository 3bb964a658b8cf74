"""What a reducer hands over can be read again, or the error names the reducer."""

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import (
    Commit,
    CommittedFile,
    ReducerEntry,
    decode,
    digest,
    encode,
)
from batchprocess.sdk.reduce.json_codec import from_json
from batchprocess.sdk.reduce.reducers import FunctionReducer
from batchprocess.sdk.reduce.registered import RegisteredReducer, reduce_all
from batchprocess.sdk.reduce.stored_values import staged, value_of


def trees(levels: int) -> RegisteredReducer:
    """A reducer that was given a tuple of tuples."""
    value: tuple[object, ...] = ("leaf",)
    for _ in range(levels):
        value = ("node", value)
    reducer = FunctionReducer(len)
    reducer.update(value)
    return RegisteredReducer(reducer, "trees", 0)


def read_again(entry: ReducerEntry) -> ReducerEntry:
    """As it comes out of a record."""
    commit = Commit(
        shard=0, seq=2, prev="p", nonce="n", attempt="a", job="j", cursor=1, at="",
        batches=(0, 1), rows=(0, 8), reducers=(entry,),
    )  # fmt: skip
    (found,) = decode(encode(commit), shard=0, seq=2).reducers
    return found


def test_a_tree_that_is_kept_is_read_again() -> None:
    stored = read_again(staged(trees(90)).entry)
    (value,) = from_json(value_of(stored, lambda _key: b""))
    assert value[1][1][0] == "node"


@pytest.mark.parametrize("levels", [100, 128, 400])
def test_one_that_is_too_deep_is_refused_before_the_commit(levels) -> None:
    with pytest.raises(ValueError, match="the value of reducer 'trees' cannot be kept"):
        staged(trees(levels))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("\ud800", "cannot be kept: it could not be read again"),
        (10**5000, "cannot be kept: .*digits|could not be read again"),
        (object(), "the value of reducer 'r': a value of type object"),
    ],
    ids=["surrogate", "digits", "object"],
)
def test_what_json_does_not_hold_is_refused_by_name(value, words) -> None:
    reducer = FunctionReducer(len)
    reducer.update(value)
    with pytest.raises((TypeError, ValueError), match=words) as error:
        staged(RegisteredReducer(reducer, "r", 0))
    assert "reducer 'r'" in str(error.value)


def test_a_result_that_no_summary_could_hold_names_its_reducer() -> None:
    for result, words in [
        (trees(300).value_to_store(), "result of reducer 'r' cannot be written: .*too deep"),
        ("\ud800", "result of reducer 'r' cannot be written"),
        ({1: "a", "1": "b"}, "result of reducer 'r': two of the keys"),
    ]:
        one = RegisteredReducer(FunctionReducer(lambda _updates, found=result: found), "r", 0)
        with pytest.raises((TypeError, ValueError), match=words):
            reduce_all([(one, [])])


def test_a_value_beside_its_record_that_was_changed_is_not_taken_for_it() -> None:
    held = CommittedFile(name="sum", key="data/x.reducers/0000.json", size=1, sha256=digest(b"7"))
    entry = ReducerEntry(name="sum", kind="state", object=held)
    assert value_of(entry, lambda _key: b"7") == 7
    with pytest.raises(VerificationError, match=r"data/x.reducers/0000.json was changed: its"):
        value_of(entry, lambda _key: b"8")
