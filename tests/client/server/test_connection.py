"""Requests are patient, and lists come in pages of a size that can be read."""

import pytest

from batchprocess.client.errors import Rejected, Unavailable
from batchprocess.client.server.transport import AnswerTooLong
from support.client.fake_server import fake_cluster

AWAY = Unavailable("away")


def test_a_server_that_is_away_for_a_moment_is_asked_again() -> None:
    connection, transport = fake_cluster(AWAY, AWAY, {"kind": "x"})
    assert connection.get("/x") == {"kind": "x"}
    assert len(transport.asked) == 3


def test_one_that_stays_away_is_told_after_half_a_minute() -> None:
    connection, transport = fake_cluster(*[AWAY] * 60)
    with pytest.raises(Unavailable, match="away"):
        connection.patch("/x", {})
    assert 5 < len(transport.asked) < 35


def test_a_refusal_is_told_at_once_and_a_create_is_sent_once() -> None:
    connection, transport = fake_cluster(Rejected("no"), AWAY)
    with pytest.raises(Rejected):
        connection.get("/x")
    with pytest.raises(Unavailable):
        connection.create("/x", {})
    assert len(transport.asked) == 2


def test_pages_of_large_objects_are_made_smaller_and_nothing_is_left_out() -> None:
    long = AnswerTooLong("long")
    first = {"items": [{"n": 1}], "metadata": {"continue": "more"}}
    last = {"items": [{"n": 2}], "metadata": {}}
    connection, transport = fake_cluster(long, long, first, long, last)
    assert [one["n"] for one in connection.pages("/x", "a=b")] == [1, 2]
    sizes = [query["limit"] for _, _, query, _ in transport.asked]
    assert sizes == ["500", "250", "125", "250", "125"]
    assert transport.asked[-1][2] == {"labelSelector": "a=b", "limit": "125", "continue": "more"}


def test_an_object_that_is_too_long_alone_is_an_error() -> None:
    connection, _ = fake_cluster(*[AnswerTooLong("long")] * 9)
    with pytest.raises(AnswerTooLong):
        list(connection.pages("/x"))


def test_one_that_is_nested_too_deep_is_left_out_by_name_and_the_others_are_listed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deep = b"[" * 99_999
    first = {"items": [{"n": 1}], "metadata": {"continue": "more"}}
    names = {"items": [{"metadata": {"name": "deep\x1b"}}], "metadata": {"continue": "rest"}}
    last = {"items": [{"n": 3}], "metadata": {}}
    halves = [deep] * 8  # 500, 250, ..., 3
    connection, transport = fake_cluster(*halves, first, deep, deep, names, deep, last)
    assert [one["n"] for one in connection.pages("/x")] == [1, 3]
    assert caplog.messages == ["deep  is left out: nested deeper than can be read"]
    assert transport.asked[-1][2]["continue"] == "rest"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[" * 99_999])
def test_an_answer_that_is_no_object_is_no_answer(body: bytes) -> None:
    connection, _ = fake_cluster(*[body] * 60)
    with pytest.raises(Unavailable, match="the API server's answer is no"):
        connection.get("/x")
