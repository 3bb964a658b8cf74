"""What the watches told, which may be late, doubled, forged or missing."""

from typing import Any

import pytest

from batchprocess_operator.watch.cache import MAX_GONE, Store
from support.operator.objects import UID, job_object, stamp


def raw_job(version: int = 1, **spec: Any) -> dict[str, Any]:
    raw = job_object(**spec)
    raw["metadata"]["resourceVersion"] = str(version)
    return raw


def owned(uid: str, version: int = 1, owner: str = UID, **meta: Any) -> dict[str, Any]:
    """A child Job or a pod."""
    base = {"name": uid, "namespace": "team", "uid": uid, "resourceVersion": str(version)}
    base |= {"creationTimestamp": stamp(), "labels": {"batchprocess.dev/job-uid": UID}}
    base["ownerReferences"] = [{"controller": True, "uid": owner}]
    return {"metadata": base | meta, "spec": {"parallelism": version}, "status": {}}


@pytest.fixture
def store() -> Store:
    made = Store()
    made.put_job(raw_job())
    return made


def test_an_older_version_that_comes_late_is_ignored(store: Store) -> None:
    store.put_child(owned("w", 9))
    store.put_child(owned("w", 8))
    store.put_pod(owned("p", 9))
    store.put_pod(owned("p", 8))
    store.put_job(raw_job(5, parallelism=5))
    store.put_job(raw_job(4, parallelism=4))
    entry = store.entries[UID]
    assert entry.children["w"].version == 9
    assert entry.pods["p"].version == 9
    assert entry.raw is not None
    assert entry.raw["spec"]["parallelism"] == 5


def test_every_event_names_the_job_to_look_at(store: Store) -> None:
    assert store.put_child(owned("w")) == UID
    assert store.put_pod(owned("p")) == UID
    assert store.drop_pod(owned("p")) == UID
    assert store.drop_child(owned("w")) == UID
    assert store.drop_job(UID) == UID


def test_what_has_no_label_of_ours_concerns_nobody(store: Store) -> None:
    bare = owned("w", labels={})
    assert [store.put_child(bare), store.put_pod(bare), store.drop_pod(bare)] == [None] * 3


def test_a_job_that_only_claims_to_be_ours_by_its_label_is_ignored(store: Store) -> None:
    assert store.put_child(owned("w", owner="somebody")) is None
    assert store.entries[UID].children == {}


def test_objects_of_another_namespace_are_ignored_whatever_they_claim(store: Store) -> None:
    """Labels and owner references can be written anywhere; a namespace cannot."""
    assert store.put_child(owned("w", namespace="evil")) is None
    assert store.put_pod(owned("p", namespace="evil")) is None
    assert store.drop_pod(owned("p", namespace="evil")) is None
    entry = store.entries[UID]
    assert (entry.children, entry.pods, entry.gone) == ({}, {}, {})


def test_they_are_ignored_too_if_they_came_before_the_job() -> None:
    store = Store()
    store.put_child(owned("w", namespace="evil"))
    store.put_pod(owned("p", namespace="evil"))
    store.put_child(owned("ours"))
    store.put_job(raw_job())
    assert list(store.entries[UID].children) == ["ours"]
    assert store.entries[UID].pods == {}


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back(store: Store) -> None:
    store.put_child(owned("w", 2))
    store.put_pod(owned("p", 2))
    store.drop_child(owned("w", 3))
    store.drop_pod(owned("p", 3))
    assert store.put_child(owned("w", 2)) is None
    assert store.put_pod(owned("p", 2)) is None
    assert (store.entries[UID].children, store.entries[UID].pods) == ({}, {})
    store.drop_job(UID)
    store.put_job(raw_job(9))
    assert store.entries == {}


def test_children_of_a_deleted_job_do_not_bring_it_back(store: Store) -> None:
    store.drop_job(UID)
    assert store.put_child(owned("w")) is None
    assert store.put_pod(owned("p")) is None
    assert store.entries == {}


def test_a_pod_that_is_gone_is_remembered_as_ended(store: Store) -> None:
    running = owned("p") | {"status": {"phase": "Running"}}
    store.put_pod(running)
    store.drop_pod(running)
    (last,) = store.entries[UID].gone.values()
    assert not last.alive


def test_pods_that_are_gone_are_remembered_up_to_a_bound(store: Store) -> None:
    for number in range(MAX_GONE + 10):
        store.drop_pod(owned(f"p{number}"))
    assert len(store.entries[UID].gone) == MAX_GONE
    assert "p9" not in store.entries[UID].gone


def test_an_object_that_somebody_made_unreadable_is_ignored_and_said(store: Store, caplog) -> None:
    assert store.put_child(owned("w", annotations={"batchprocess.dev/shards": "0-1e9"})) is None
    assert "team/w is ignored" in caplog.text


def test_what_a_full_listing_does_not_have_is_forgotten(store: Store) -> None:
    """The watch has missed the deletion."""
    store.put_child(owned("w"))
    store.put_child(owned("x"))
    store.put_pod(owned("p"))
    before, seen = store.uids(), {UID, "x"}
    store.put_pod(owned("new"))
    store.forget(before - seen)
    entry = store.entries[UID]
    assert (list(entry.children), list(entry.pods)) == (["x"], ["new"])
    assert store.find_pod("p") is None


def test_a_job_that_a_full_listing_does_not_have_is_forgotten(store: Store) -> None:
    store.put_pod(owned("p"))
    store.forget({UID, "p"})
    assert store.entries == {}


def test_a_pod_is_found_with_its_job_until_it_is_gone(store: Store) -> None:
    store.put_pod(owned("p"))
    found = store.find_pod("p")
    assert found is not None
    assert (found[0], found[1].name) == (UID, "p")
    store.drop_pod(owned("p"))
    assert store.find_pod("p") is None
