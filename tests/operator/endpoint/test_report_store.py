"""The newest word on a shard is the one that says the most, not the one that came last."""

from dataclasses import replace

import pytest

from batchprocess.protocol.run import RunShape, SourceChange
from batchprocess_operator.endpoint.report_store import ReportStore
from support.operator.fake_pods import POD, report


def cursors(store: ReportStore) -> dict[int, int]:
    return {shard: heard.progress.cursor for shard, heard in store.newest(POD.job_uid).items()}


def test_a_newer_report_replaces_an_older_one():
    store = ReportStore()
    store.record(POD, report(3, 4, cursor=10), 1.0)
    store.record(POD, report(3, cursor=20), 2.0)
    assert cursors(store) == {3: 20, 4: 10}
    assert store.newest(POD.job_uid)[3].received == 2.0


def test_an_older_report_of_the_same_attempt_that_comes_late_changes_nothing():
    store = ReportStore()
    store.record(POD, report(3, cursor=20, processed=21), 1.0)
    store.record(POD, report(3, cursor=10, processed=19), 2.0)
    store.record(POD, report(3, cursor=20, processed=20), 3.0)
    heard = store.newest(POD.job_uid)[3]
    assert (heard.progress.cursor, heard.progress.processed, heard.received) == (20, 21, 1.0)


def test_a_fenced_zombies_late_report_changes_nothing_however_far_it_got():
    store, zombie = ReportStore(), replace(POD, uid="zombie")
    store.record(zombie, report(3, seq=1, cursor=50), 1.0)
    store.record(POD, report(3, seq=7, cursor=40), 2.0)
    store.record(zombie, report(3, seq=1, cursor=60, processed=70, sealed=True), 3.0)
    heard = store.newest(POD.job_uid)[3]
    assert (heard.pod_uid, heard.progress.cursor, heard.progress.sealed) == (POD.uid, 40, False)


def test_a_sealed_shard_is_not_opened_again_by_a_report_from_just_before():
    store = ReportStore()
    store.record(POD, report(3, cursor=100, processed=100, sealed=True), 1.0)
    store.record(POD, report(3, cursor=100, processed=100), 2.0)
    assert store.newest(POD.job_uid)[3].progress.sealed


def test_the_same_numbers_again_are_a_sign_of_life():
    store = ReportStore()
    store.record(POD, report(3), 1.0)
    store.record(POD, report(3, phase="hook"), 6.0)
    heard = store.newest(POD.job_uid)[3]
    assert (heard.received, heard.progress.phase) == (6.0, "hook")


def test_the_runs_shape_stays_known_when_later_reports_do_not_tell_it():
    store, shape = ReportStore(), RunShape(rows=6_400, batch_size=64, batches=100)
    assert store.run(POD.job_uid) is None
    store.record(POD, report(3).model_copy(update={"run": shape}), 1.0)
    store.record(POD, report(3), 2.0)
    assert store.run(POD.job_uid) == shape


def test_a_forgotten_job_is_as_one_never_heard_of():
    store = ReportStore()
    store.record(POD, report(3), 1.0)
    store.forget(POD.job_uid)
    store.forget(POD.job_uid)
    assert cursors(store) == {}


@pytest.mark.hostile
def test_memory_is_bounded_by_forgetting_the_job_that_was_silent_longest():
    store = ReportStore(max_shards=5)
    pods = [replace(POD, job_uid=f"job-{n}") for n in range(3)]
    store.record(pods[0], report(0, 1), 1.0)
    store.record(pods[1], report(0, 1), 2.0)
    store.record(pods[0], report(0, 1), 3.0)
    store.record(pods[2], report(0, 1), 4.0)
    assert [len(store.newest(pod.job_uid)) for pod in pods] == [2, 0, 2]


def test_jobs_do_not_mix_even_if_their_shards_have_the_same_numbers():
    store, other = ReportStore(), replace(POD, job_uid="other")
    store.record(POD, report(3, cursor=10), 1.0)
    store.record(other, report(3, seq=9, cursor=90), 2.0)
    assert cursors(store) == {3: 10}


def test_that_a_worker_has_another_source_is_kept_until_one_says_another():
    store, change = ReportStore(), SourceChange(first="a" * 64, now="b" * 64)
    assert store.source(POD.job_uid) is None
    store.record(POD, report(3).model_copy(update={"source": change}), 1.0)
    store.record(POD, report(4), 2.0)
    assert store.source(POD.job_uid) == change
