"""What the controller knows of destinations, and what it hands over."""

from collections import Counter
from dataclasses import replace
from typing import Any

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.controller.work_queue import WorkQueue
from batchprocess_operator.model.notified import UNTOLD
from batchprocess_operator.notify import lane as module
from batchprocess_operator.notify.destinations import Destination
from batchprocess_operator.notify.lane import Lane
from batchprocess_operator.notify.notifier import Notifier
from support.operator.objects import NOW, job

ABOUT = job().identity
MESSAGE = PendingMessage(event="Failed", time=NOW)


def notifier(counted: Counter[tuple[str, str]] | None = None, **more: Any) -> Notifier:
    """One for destinations `all` and `own`, the latter of another namespace."""
    found = Counter[tuple[str, str]]() if counted is None else counted

    def lane(name: str, *namespaces: str) -> Lane:
        given = {"name": name, "type": "webhook", "url": "https://hooks.example"}
        destination = Destination.model_validate(given | {"namespaces": namespaces})
        count = lambda *what: found.update([what])  # noqa: E731
        return Lane(
            destination, "", WorkQueue(lambda: 0.0), more["sender"], print, count, lambda: 0
        )

    return Notifier({"own": lane("own", "finance"), "all": lane("all")})


def made(counted: Counter[tuple[str, str]] | None = None) -> Notifier:
    return notifier(counted, sender=None)


def test_a_job_knows_the_destinations_of_its_namespace_only() -> None:
    assert made().notified(ABOUT).names == ("all",)
    assert made().notified(replace(ABOUT, namespace="finance")).names == ("all", "own")
    assert Notifier().notified(ABOUT) == UNTOLD


def test_a_destination_of_another_namespace_gets_nothing() -> None:
    one = made()
    assert one.offer(ABOUT, "own", [MESSAGE])
    assert one.offer(ABOUT, "nowhere", [MESSAGE])
    assert [lane.jobs for lane in one.lanes.values()] == [{}, {}]


def test_what_is_offered_again_waits_once_and_what_is_told_is_forgotten() -> None:
    one = made()
    for _ in range(2):
        assert one.offer(ABOUT, "all", [MESSAGE])
    assert list(one.lanes["all"].jobs) == [ABOUT.uid]
    one.offer(ABOUT, "all", [])
    assert one.lanes["all"].jobs == {}


def test_a_job_that_is_gone_is_forgotten() -> None:
    one = made()
    one.offer(ABOUT, "all", [MESSAGE])
    one.forget(ABOUT.uid)
    one.forget(ABOUT.uid)
    assert one.lanes["all"].jobs == {}


def test_what_was_delivered_is_known_until_the_status_says_so_whoever_is_next_told() -> None:
    one, rich = made(), replace(ABOUT, namespace="finance")
    one.offer(rich, "all", [MESSAGE])
    one.lanes["all"].jobs[rich.uid].took(f"{rich.uid}-0-failed")
    assert one.notified(rich).delivered == {f"{rich.uid}-0-failed"}
    one.offer(rich, "own", [MESSAGE])
    assert one.notified(rich).delivered == {f"{rich.uid}-0-failed"}
    assert one.lanes["all"].jobs == {}
    one.offer(rich, "own", [])
    assert one.notified(rich).delivered == frozenset()


def test_where_there_is_no_room_it_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MAX_JOBS", 1)
    one = made()
    assert one.offer(ABOUT, "all", [MESSAGE])
    assert not one.offer(replace(ABOUT, uid="other"), "all", [MESSAGE])
    assert one.offer(ABOUT, "all", [MESSAGE])


def test_messages_that_were_given_up_are_counted() -> None:
    counted = Counter[tuple[str, str]]()
    one = made(counted)
    one.lost("all", 3)
    one.lost("nowhere", 1)
    assert counted == {("all", "lost"): 3}
