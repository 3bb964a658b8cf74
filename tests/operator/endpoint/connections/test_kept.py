"""Who keeps a connection between reports."""

from dataclasses import replace

import pytest

from batchprocess_operator.endpoint.connections.kept import Kept
from batchprocess_operator.endpoint.report_store import PodFacts
from support.operator.fake_pods import POD


def pod(number: int, namespace: str = "team") -> PodFacts:
    return replace(POD, uid=f"{namespace}-{number}", namespace=namespace)


def test_each_is_kept_while_there_is_room():
    kept = Kept[str](2)
    assert [kept.enter(f"c{n}", pod(n)) for n in range(3)] == [
        (True, None),
        (True, None),
        (False, None),
    ]
    assert len(kept) == 2
    kept.leave("c0")
    assert kept.enter("c3", pod(3)) == (True, None)


def test_one_that_is_kept_stays_where_it_is():
    kept = Kept[str](1)
    assert [kept.enter("c0", pod(0)) for _ in range(3)] == [(True, None)] * 3
    assert len(kept) == 1


def test_a_pods_newer_connection_takes_the_place_of_its_older_one():
    kept = Kept[str](1)
    kept.enter("old", pod(0))
    assert kept.enter("new", pod(0)) == (True, "old")
    assert ("old" in kept, "new" in kept, len(kept)) == (False, True, 1)


def test_one_connection_that_speaks_for_another_pod_is_that_pods():
    kept = Kept[str](2)
    kept.enter("c", pod(0))
    assert kept.enter("c", pod(1)) == (True, None)
    assert len(kept) == 1
    assert kept.enter("d", pod(0)) == (True, None)


@pytest.mark.hostile
def test_the_namespace_with_the_most_gives_way_to_one_that_has_fewer_until_they_have_the_same():
    kept = Kept[str](10)
    for n in range(10):
        kept.enter(f"greedy-{n}", pod(n, "greedy"))
    found = [kept.enter(f"modest-{n}", pod(n, "modest")) for n in range(7)]
    assert found == [(True, f"greedy-{n}") for n in range(5)] + [(False, None)] * 2
    assert kept.enter("greedy-11", pod(11, "greedy")) == (False, None)


def test_nothing_is_left_of_those_who_left():
    kept = Kept[str](4)
    for n in range(4):
        kept.enter(f"c{n}", pod(n, f"ns-{n}"))
    for n in range(4):
        kept.leave(f"c{n}")
        kept.leave(f"c{n}")
    assert [len(one) for one in (kept, kept._of_pod, kept._namespaces)] == [0, 0, 0]


def test_without_places_nobody_is_kept():
    assert Kept[str](0).enter("c", pod(0)) == (False, None)
