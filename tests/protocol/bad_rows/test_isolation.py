"""What processes that look for bad rows tell each other: bounded, whatever user code has raised."""

import socket

import pytest
from pydantic import ValidationError

from batchprocess.protocol.bad_rows.isolation import (
    MAX_BYTES,
    MAX_ROWS,
    Isolate,
    RaisedAlone,
    RaisedByBatch,
)
from batchprocess.protocol.control import decode, encode

HUGE = "\U0001f600\x1b\n\udcff" * 5_000
ERROR = RaisedByBatch(type=HUGE, message=HUGE, traceback=HUGE, line=HUGE)
FIRST = Isolate(attempt="a" * 32, batch=3, error=ERROR)


def row(number: int, text: str = HUGE) -> RaisedAlone:
    told = {"type": text, "message": text, "traceback": text, "line": text}
    return RaisedAlone(row=number, stage="process_batch", **told)


def test_what_comes_next_has_the_rows_of_before_and_more() -> None:
    again = FIRST.then("b", "try", [row(1, "x")]).then("c", "process", [row(7, "y")])
    assert (again.attempt, again.batch, again.step, again.rows()) == ("c", 3, "process", {1, 7})
    assert decode(encode(again)) == again


def test_texts_are_cut_and_what_is_no_unicode_is_escaped() -> None:
    texts = (ERROR.type, ERROR.message, ERROR.traceback, ERROR.line)
    assert [len(one) for one in texts] == [200, 1_000, 4_000, 1_000]
    assert "\x1b" not in ERROR.message
    assert ERROR.message.startswith("\U0001f600\\x1b\n\\udcff")


def test_the_largest_message_fits_into_a_socket_that_nobody_reads() -> None:
    """So it can wait there for a process that is being started."""
    largest = FIRST.then("b", "try", map(row, range(MAX_ROWS)))
    assert len(encode(largest)) <= MAX_BYTES
    assert largest.bad[0].traceback == ""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        assert ours.send(b"x" * MAX_BYTES) == MAX_BYTES


def test_more_rows_than_are_ever_looked_for_are_refused() -> None:
    told = FIRST.then("b", "try", map(row, range(MAX_ROWS + 1)))
    with pytest.raises(ValidationError, match=f"at most {MAX_ROWS} items"):
        decode(encode(told))
