"""What the watches told, which may be late, doubled, forged or missing."""

from typing import Any

import pytest

from batchprocess_operator.watch.cache import MAX_GONE, JobCache
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
def cache() -> JobCache:
    made = JobCache()
    made.put_job(raw_job())
    return made


def test_an_older_version_that_comes_late_is_ignored(cache: JobCache) -> None:
    cache.put_child(owned("w", 9))
    cache.put_child(owned("w", 8))
    cache.put_pod(owned("p", 9))
    cache.put_pod(owned("p", 8))
    cache.put_job(raw_job(5, parallelism=5))
    cache.put_job(raw_job(4, parallelism=4))
    entry = cache.entries[UID]
    assert entry.children["w"].version == 9
    assert entry.pods["p"].version == 9
    assert entry.job is not None
    assert entry.job.unpacked()["spec"]["parallelism"] == 5


def test_every_event_names_the_job_to_look_at(cache: JobCache) -> None:
    assert cache.put_child(owned("w")) == UID
    assert cache.put_pod(owned("p")) == UID
    assert cache.drop_pod(owned("p")) == UID
    assert cache.drop_child(owned("w")) == UID
    assert cache.drop_job(raw_job()) == UID


@pytest.mark.hostile
def test_what_has_no_label_of_ours_concerns_nobody(cache: JobCache) -> None:
    bare = owned("w", labels={})
    assert [cache.put_child(bare), cache.put_pod(bare), cache.drop_pod(bare)] == [None] * 3


@pytest.mark.hostile
def test_a_job_that_only_claims_to_be_ours_by_its_label_is_ignored(cache: JobCache) -> None:
    assert cache.put_child(owned("w", owner="somebody")) is None
    assert cache.entries[UID].children == {}


@pytest.mark.hostile
@pytest.mark.parametrize(
    "change",
    [{"ownerReferences": []}, {"labels": {"batchprocess.dev/job-uid": "another"}}],
    ids=["owner", "label"],
)
def test_a_job_that_was_ours_and_says_so_no_more_is_not_taken_for_ours(
    cache: JobCache, change: dict[str, Any]
) -> None:
    """Else its last version would stand for it for ever."""
    cache.put_child(owned("w", 5))
    assert cache.put_child(owned("w", 4, **change)) is None
    assert list(cache.entries[UID].children) == ["w"]
    assert cache.put_child(owned("w", 6, **change)) == UID
    assert cache.entries[UID].children == {}
    assert cache.put_child(owned("w", 7)) == UID
    assert list(cache.entries[UID].children) == ["w"]


@pytest.mark.hostile
def test_pods_that_name_ever_new_jobs_leave_nothing_behind(cache: JobCache) -> None:
    for number in range(100):
        cache.put_pod(owned("p", number, labels={"batchprocess.dev/job-uid": f"new-{number}"}))
        cache.put_child(owned(f"w{number}", owner=f"job-{number}"))
    assert set(cache.entries) == {UID, "new-99"}
    cache.drop_pod(owned("p", 100, labels={"batchprocess.dev/job-uid": "new-99"}))
    assert set(cache.entries) == {UID}


@pytest.mark.hostile
def test_objects_of_another_namespace_are_ignored_whatever_they_claim(cache: JobCache) -> None:
    """Labels and owner references can be written anywhere; a namespace cannot."""
    assert cache.put_child(owned("w", namespace="evil")) is None
    assert cache.put_pod(owned("p", namespace="evil")) is None
    assert cache.drop_pod(owned("p", namespace="evil")) is None
    entry = cache.entries[UID]
    assert (entry.children, entry.pods, entry.gone) == ({}, {}, {})


@pytest.mark.hostile
def test_they_are_ignored_too_if_they_came_before_the_job() -> None:
    cache = JobCache()
    cache.put_child(owned("w", namespace="evil"))
    cache.put_pod(owned("p", namespace="evil"))
    cache.put_child(owned("ours"))
    cache.put_job(raw_job())
    assert list(cache.entries[UID].children) == ["ours"]
    assert cache.entries[UID].pods == {}


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back(cache: JobCache) -> None:
    cache.put_child(owned("w", 2))
    cache.put_pod(owned("p", 2))
    cache.drop_child(owned("w", 3))
    cache.drop_pod(owned("p", 3))
    assert cache.put_child(owned("w", 2)) is None
    assert cache.put_pod(owned("p", 2)) is None
    assert (cache.entries[UID].children, cache.entries[UID].pods) == ({}, {})
    cache.drop_job(raw_job(10))
    cache.put_job(raw_job(9))
    assert cache.entries == {}


def test_a_label_that_is_given_back_brings_back_what_it_was_taken_from(cache: JobCache) -> None:
    """A watch that selects by it says DELETED, with the version of the change, and ADDED."""
    cache.put_child(owned("w", 5))
    cache.put_pod(owned("p", 5))
    cache.drop_child(owned("w", 6))
    cache.drop_pod(owned("p", 6))
    assert (cache.put_child(owned("w", 7)), cache.put_pod(owned("p", 7))) == (UID, UID)
    entry = cache.entries[UID]
    assert (list(entry.children), list(entry.pods), list(entry.gone)) == (["w"], ["p"], [])
    assert cache.find_pod("p") is not None


def test_what_is_read_is_true_though_its_version_be_smaller(cache: JobCache) -> None:
    """The cluster was restored from a backup."""
    cache.put_job(raw_job(900, parallelism=9))
    cache.put_child(owned("w", 901))
    cache.put_pod(owned("p", 902))
    with cache.reading() as reading:
        cache.put_job(raw_job(5, parallelism=5), reading)
        cache.put_child(owned("w", 6), reading)
        cache.put_pod(owned("p", 7), reading)
    entry = cache.entries[UID]
    assert entry.job is not None
    assert entry.job.unpacked()["spec"]["parallelism"] == 5
    assert (entry.children["w"].version, entry.pods["p"].version) == (6, 7)
    cache.put_child(owned("w", 8))
    assert entry.children["w"].version == 8


def test_what_was_deleted_after_the_backup_is_there_again(cache: JobCache) -> None:
    cache.put_child(owned("w", 5))
    cache.drop_child(owned("w", 901))
    cache.drop_job(raw_job(902))
    with cache.reading() as reading:
        cache.put_job(raw_job(4), reading)
        assert cache.put_child(owned("w", 5), reading) == UID
    assert list(cache.entries[UID].children) == ["w"]


def test_what_a_watch_tells_while_we_ask_is_newer_than_the_answer(cache: JobCache) -> None:
    with cache.reading() as reading:
        cache.put_child(owned("w", 9))
        cache.drop_child(owned("x", 9))
        cache.put_child(owned("w", 8), reading)
        assert cache.put_child(owned("x", 8), reading) is None
    assert cache.entries[UID].children["w"].version == 9


def test_children_of_a_deleted_job_do_not_bring_it_back(cache: JobCache) -> None:
    cache.drop_job(raw_job())
    assert cache.put_child(owned("w")) is None
    assert cache.put_pod(owned("p")) is None
    assert cache.entries == {}


def test_a_pod_that_is_gone_is_remembered_as_ended(cache: JobCache) -> None:
    running = owned("p") | {"status": {"phase": "Running"}}
    cache.put_pod(running)
    cache.drop_pod(running)
    (last,) = cache.entries[UID].gone.values()
    assert not last.alive


@pytest.mark.hostile
def test_pods_that_are_gone_are_remembered_up_to_a_bound(cache: JobCache) -> None:
    for number in range(MAX_GONE + 10):
        cache.drop_pod(owned(f"p{number}"))
    assert len(cache.entries[UID].gone) == MAX_GONE
    assert "p9" not in cache.entries[UID].gone


def test_what_a_full_listing_does_not_have_is_forgotten(cache: JobCache) -> None:
    """The watch has missed the deletion."""
    cache.put_child(owned("w"))
    cache.put_child(owned("x"))
    cache.put_pod(owned("p"))
    children, pods = cache.uids("child", None), cache.uids("pod", None)
    cache.put_pod(owned("new"))
    assert cache.forget(children - {"x"}) == [UID]
    assert cache.forget(pods) == [UID]
    assert cache.forget({"unknown"}) == []
    entry = cache.entries[UID]
    assert (list(entry.children), list(entry.pods)) == (["x"], ["new"])
    assert cache.find_pod("p") is None


@pytest.mark.hostile
def test_what_lies_in_another_namespace_is_not_missed_in_this_one(cache: JobCache) -> None:
    cache.put_child(owned("w"))
    cache.put_pod(owned("p"))
    kinds = ("job", "child", "pod")
    assert [cache.uids(kind, "team") for kind in kinds] == [{UID}, {"w"}, {"p"}]
    assert [cache.uids(kind, "other") for kind in kinds] == [set()] * 3


def test_a_job_of_which_only_a_pod_was_seen_is_missed_in_no_single_namespace(cache) -> None:
    """It may be there, in a namespace that could not be listed."""
    cache.put_pod(owned("p", labels={"batchprocess.dev/job-uid": "unseen"}))
    assert cache.uids("job", "team") == {UID}
    assert cache.uids("job", None) == {UID, "unseen"}


def test_a_job_that_a_full_listing_does_not_have_is_forgotten(cache: JobCache) -> None:
    cache.put_pod(owned("p"))
    cache.forget({UID, "p"})
    assert cache.entries == {}


def test_a_pod_is_found_with_its_job_until_it_is_gone(cache: JobCache) -> None:
    cache.put_pod(owned("p"))
    found = cache.find_pod("p")
    assert found is not None
    assert (found[0], found[1].name) == (UID, "p")
    cache.drop_pod(owned("p"))
    assert cache.find_pod("p") is None
