"""A job is watched over whatever happens on the way."""

from itertools import islice
from typing import Any

import pytest

from batchprocess.client.errors import Changed, Denied, NotFound, Unavailable, WaitedTooLong
from batchprocess.client.server.answers import Expired
from batchprocess.client.watching import snapshots
from support.client.fake_server import Answer, fake_cluster, snapshot, stored

AWAY = Unavailable("away")


def event(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": body}


def states(number: int, *answers: Answer) -> list[str | None]:
    connection, _ = fake_cluster(*answers)
    seen = islice(snapshots(connection, snapshot()), number)
    return [one.status.state for one in seen]


def test_a_watch_that_breaks_is_begun_again_and_nothing_is_told_twice() -> None:
    running, done = {"state": "Running"}, {"state": "Complete"}
    assert states(
        3,
        stored(),
        [event("MODIFIED", stored(running, version=2)), AWAY],
        AWAY,
        stored(running, version=2),
        [event("BOOKMARK", {}), event("MODIFIED", stored(done, version=3))],
    ) == [None, "Running", "Complete"]


def test_a_watch_that_begins_too_long_ago_begins_from_what_is_there() -> None:
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    done = stored({"state": "Complete"}, version=9)
    assert states(2, stored(), [gone], done) == [None, "Complete"]
    assert states(2, stored(), Expired("too old"), done) == [None, "Complete"]


@pytest.mark.parametrize("line", [b"{}\n", b"[]\n", b"null\n", b"<html>\n", b'{"type": 1}\n'])
def test_what_is_no_event_breaks_the_watch_and_nothing_else(line: bytes) -> None:
    assert states(2, stored(), [line], stored({"state": "Failed"}, version=2)) == [None, "Failed"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[" * 99_999])
def test_a_proxys_page_in_place_of_the_job_is_passed_over(body: bytes) -> None:
    assert states(1, body, stored({"state": "Failed"})) == ["Failed"]


def test_a_deleted_job_and_another_of_its_name_are_told() -> None:
    with pytest.raises(NotFound, match="digits was deleted"):
        states(2, stored(), [event("DELETED", stored(version=2))])
    with pytest.raises(Changed, match="another job has its name now"):
        states(2, stored(), [AWAY], stored(uid="u-2"))


def test_who_may_not_watch_is_told_so() -> None:
    with pytest.raises(Denied):
        states(2, stored(), Denied("no"))


def test_a_server_that_stays_away_is_told_after_a_quarter_of_an_hour() -> None:
    with pytest.raises(Unavailable):
        states(2, stored(), *[AWAY] * 1_000)


def test_waiting_has_an_end() -> None:
    connection, transport = fake_cluster(stored(), [])
    with pytest.raises(WaitedTooLong, match="digits has not ended within 3 s; it goes on"):
        list(snapshots(connection, snapshot(), 3))
    assert int(transport.asked[1][2]["timeoutSeconds"]) <= 3
