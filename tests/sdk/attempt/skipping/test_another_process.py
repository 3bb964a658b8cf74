"""What the agent is asked for when a batch has raised, and who does as it was asked."""

import pytest

from batchprocess.protocol.bad_rows.isolation import Isolate, RaisedByBatch
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.attempt.skipping.another_process import (
    AnotherProcess,
    as_read,
    as_told,
    marked,
    request_of,
)
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.report.row_errors import bad_read

ERROR = RaisedByBatch(type="ValueError", message="some row")


def raise_of(text: str) -> None:
    raise ValueError(text)


def raised(text: str = "row 9") -> ValueError:
    with pytest.raises(ValueError, match=text) as caught:
        raise_of(text)
    return caught.value


ROW = as_told(bad_read(raised(), 9, "process_batch"))


def ordered(step: str, batch: int = 2) -> AnotherProcess:
    order = Isolate(attempt="first", batch=batch, bad=(ROW,), error=ERROR).then("first", step)  # type: ignore[arg-type]
    return AnotherProcess("me", can_be_had=True, order=order)


def asked(another: AnotherProcess, rows: list[int], index: int) -> Isolate:
    another.note_raised()
    error = raised("some row")
    assert another.asked_for(error, rows, index) is error
    found = request_of(error)
    assert found is not None
    assert (found.attempt, found.batch, found.error.message) == ("me", index, "some row")
    assert found.error.line.startswith(__file__)
    return found


def test_nothing_is_known_of_a_batch_that_raises_first() -> None:
    found = asked(AnotherProcess("me"), [8, 9], 2)
    assert (found.step, found.bad, found.error.without) == ("try", (), 0)


def test_a_row_that_was_alone_when_it_raised_is_known_to_be_bad() -> None:
    found = asked(AnotherProcess("me"), [9], 2)
    assert (found.step, [one.row for one in found.bad]) == ("process", [9])


def test_not_where_another_batch_has_raised_before_in_the_same_process() -> None:
    another = AnotherProcess("me")
    another.note_raised()
    assert asked(another, [9], 2).step == "try"


@pytest.mark.parametrize(("index", "known"), [(2, 1), (3, 0)])
def test_rows_that_are_known_to_be_bad_are_told_on_for_their_batch_alone(
    index: int, known: int
) -> None:
    found = asked(ordered("process"), [8, 10], index)
    assert (found.step, len(found.bad), found.error.without) == ("try", known, known)


@pytest.mark.parametrize(
    ("step", "first", "bad", "follows"),
    [
        ("process", 0, {9}, "first"),
        ("process", 2, {9}, "first"),
        ("try", 2, set(), "first"),
        # Somebody has committed the batch meanwhile.
        ("process", 3, set(), None),
    ],
)
def test_an_order_holds_up_to_its_batch(
    step: str, first: int, bad: set[int], follows: str | None
) -> None:
    another = ordered(step)
    start = another.begins(Start(ShardPlan(40, 4, 1), 0, first))
    assert (start.bad, another.follows) == (bad, follows)


def test_what_is_kept_of_a_bad_row_comes_back_as_it_was() -> None:
    found = bad_read(raised(), 9, "process_batch")
    assert as_read(as_told(found)) == found


def test_errors_that_nobody_has_marked_ask_for_nothing() -> None:
    assert request_of(raised()) is None
    assert request_of(SystemExit(1)) is None
    request = ordered("try").order
    assert request is not None
    assert request_of(marked(raised(), request)) is request
