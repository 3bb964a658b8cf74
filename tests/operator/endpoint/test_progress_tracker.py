"""From reports to rates, idle times and lost work; all of it may be forgotten at any moment."""

from collections import UserDict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape
from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.endpoint.report_store import PodFacts, ReceivedReport, ReportStore
from support.operator.objects import NOW

JOB = "job-uid"


class Tracked:
    """A tracker with a clock and pods of its own."""

    def __init__(self) -> None:
        self.now, self.changed = NOW, []
        self.created: dict[str, datetime] = {}
        self.tracker = ProgressTracker(self.changed.append, self.created.get, lambda: self.now)

    def say(self, pod: str = "a", after: float = 5, **fields: Any) -> None:
        """A report of shard 0 from `pod`, `after` seconds after the last one."""
        self.now += timedelta(seconds=after)
        usual = {"shard": 0, "seq": 1, "cursor": 0, "total": 100, "processed": 0}
        progress = ShardProgress(**(usual | {"phase": "running"} | fields))
        facts = PodFacts("team", pod, pod, JOB, frozenset({0}), True)
        self.tracker.record(facts, ProgressReport(shards=(progress,)), 0.0)

    @property
    def shard(self):
        return self.tracker.reported(JOB).shards[0]


@pytest.fixture
def tracked() -> Tracked:
    return Tracked()


def test_nothing_is_known_of_a_job_that_never_reported(tracked: Tracked) -> None:
    assert tracked.tracker.reported(JOB).shards == {}


def test_every_report_has_the_job_looked_at(tracked: Tracked) -> None:
    tracked.say()
    tracked.say()
    assert tracked.changed == [JOB, JOB]


def test_the_rate_is_known_from_the_second_report_on(tracked: Tracked) -> None:
    tracked.say(processed=10)
    assert tracked.shard.rate is None
    tracked.say(processed=20)
    assert tracked.shard.rate == 2.0


def test_the_rate_is_smoothed(tracked: Tracked) -> None:
    tracked.say(processed=0)
    tracked.say(processed=10)
    tracked.say(processed=40)
    assert 2.0 < tracked.shard.rate < 3.0
    for step in range(100):
        tracked.say(processed=40 + 5 * step)
    assert tracked.shard.rate == pytest.approx(1.0, abs=0.05)


def test_a_shard_that_does_nothing_keeps_the_time_when_it_last_did(tracked: Tracked) -> None:
    tracked.say(processed=10)
    tracked.say(processed=11)
    moved = tracked.now
    for _ in range(50):
        tracked.say(processed=11)
    assert tracked.shard.advanced == moved
    assert tracked.shard.received == tracked.now
    assert tracked.shard.rate < 0.01


def test_a_new_attempt_begins_anew_and_what_the_old_one_had_not_committed_is_lost(tracked) -> None:
    tracked.say(processed=18, cursor=10)
    tracked.say(processed=20, cursor=10)
    tracked.say("b", seq=5, cursor=10, processed=10)
    assert tracked.shard.rate is None
    assert tracked.tracker.reported(JOB).lost == 10
    tracked.say("b", seq=5, cursor=20, processed=24)
    assert tracked.tracker.reported(JOB).lost == 10


def test_a_fenced_zombies_late_report_changes_nothing(tracked: Tracked) -> None:
    tracked.created = {"a": NOW - timedelta(hours=1), "b": NOW}
    tracked.tracker.created = tracked.created.get
    tracked.say("a", seq=1, cursor=10, processed=14)
    tracked.say("b", seq=5, cursor=10, processed=12)
    before = tracked.tracker.reported(JOB)
    tracked.say("a", seq=1, cursor=10, processed=19)
    after = tracked.tracker.reported(JOB)
    assert (after.shards, after.lost, after.regressed) == (before.shards, before.lost, {})


def test_a_younger_pod_with_an_older_claim_stands_in_a_ledger_that_lost_records(tracked) -> None:
    tracked.say("a", seq=9, cursor=30, processed=30)
    tracked.tracker.created = {"b": tracked.now + timedelta(seconds=30)}.get
    tracked.say("b", after=60, seq=2, cursor=4, processed=4)
    assert tracked.tracker.reported(JOB).regressed == {0: (30, 4)}


def test_one_that_has_not_claimed_yet_is_no_loss(tracked: Tracked) -> None:
    tracked.say("a", seq=9, cursor=30, processed=30)
    tracked.tracker.created = {"b": tracked.now + timedelta(seconds=30)}.get
    tracked.say("b", after=60, seq=0, cursor=0, processed=0, total=0, phase="starting")
    assert tracked.tracker.reported(JOB).regressed == {}


def test_two_reports_in_one_second_do_not_break_the_rate(tracked: Tracked) -> None:
    tracked.say(processed=10)
    tracked.say(processed=12, after=0)
    tracked.say(processed=22)
    assert tracked.shard.rate == 2.0


def test_a_forgotten_job_begins_anew(tracked: Tracked) -> None:
    tracked.say(processed=10)
    tracked.tracker.forget(JOB)
    assert tracked.tracker.reported(JOB).shards == {}
    tracked.say(processed=20)
    assert tracked.shard.rate is None


def test_the_shape_of_the_dataset_is_handed_on(tracked: Tracked) -> None:
    shape = RunShape(rows=10, batch_size=2, batches=5)
    facts = PodFacts("team", "a", "a", JOB, frozenset({0}), True)
    tracked.tracker.record(facts, ProgressReport(shards=(), run=shape), 0.0)
    assert tracked.tracker.reported(JOB).shape == shape


def test_a_pod_that_says_it_has_done_less_than_before_has_no_negative_rate(
    tracked: Tracked,
) -> None:
    tracked.say(processed=50)
    tracked.say(cursor=1, processed=1)
    assert tracked.shard.rate == 0.0


class CountingStore(ReportStore):
    """Counts how many shards are looked at."""

    looked = 0

    def newest(self, job_uid: str) -> Mapping[int, ReceivedReport]:
        store, found = self, super().newest(job_uid)

        class Counted(UserDict[int, ReceivedReport]):
            def __getitem__(self, key: int) -> ReceivedReport:
                store.looked += 1
                return found[key]

            def __iter__(self) -> Iterator[int]:
                store.looked += len(found)
                return iter(found)

            def __contains__(self, key: object) -> bool:
                return key in found

        return Counted()


@pytest.mark.hostile
def test_a_report_costs_as_much_as_it_has_shards_and_not_as_its_job_has() -> None:
    store = CountingStore()
    tracker = ProgressTracker(lambda _: None, lambda _: None, lambda: NOW, store)
    shard = {"seq": 1, "cursor": 0, "total": 100, "processed": 0, "phase": "running"}
    for number in range(1_000):
        facts = PodFacts("team", "a", "a", JOB, frozenset({number}), True)
        tracker.record(facts, ProgressReport(shards=(ShardProgress(shard=number, **shard),)), 0.0)
    assert store.looked < 5_000
