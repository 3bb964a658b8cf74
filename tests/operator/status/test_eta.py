"""Rate and ETA that a person can trust: from each shard's pace, the tail estimated, no jumping."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from batchprocess.protocol.run import RunShape
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.model.reported import Reported, ShardReport
from batchprocess_operator.observe.shards import read_shards
from batchprocess_operator.status.eta import estimate
from support.operator.objects import NOW, child, job, pod

BATCH = 10


def report(shard: int, processed: int, rate: float | None, heard: float = 0) -> ShardReport:
    at = NOW - timedelta(seconds=heard)
    return ShardReport(shard, 1, processed, 100, processed, "running", False, at, at, rate)


def guess(reports, running=(0, 1), slots=2, before=None, shards=4, now=NOW, sealed=None):
    """Four shards of 100 batches of 10 rows."""
    told = {one.shard: one for one in reports}
    shape = RunShape(rows=100 * BATCH * shards, batch_size=BATCH, batches=100 * shards)
    made = child(completions=shards)
    seen = Observed((made,), tuple(pod(k) for k in running), (), Reported(told, shape))
    one = job({"sealedShards": sealed or "", "sealedBy": "exitCode"}, shards=shards)
    return estimate(
        read_shards(one.body, one.before, seen), told, slots=slots, before=before, now=now
    )


def seconds(found) -> float:
    return (found.end - NOW).total_seconds()


def test_the_rate_is_the_sum_of_the_shards_in_rows_a_second() -> None:
    assert guess([report(0, 10, 2.0), report(1, 10, 3.0)]).rate == 50


def test_without_a_rate_nothing_is_said() -> None:
    found = guess([report(0, 10, None), report(1, 10, 0.0)])
    assert (found.rate, found.end) == (None, None)


def test_reports_of_shards_that_are_not_at_work_do_not_count() -> None:
    assert guess([report(0, 10, 2.0), report(3, 10, 50.0)], running=(0,)).rate == 20


def test_silence_of_half_a_minute_is_no_rate() -> None:
    assert guess([report(0, 10, 2.0, heard=31)]).rate is None


def test_between_two_shards_of_one_worker_the_pace_of_the_last_one_stands_for_a_minute() -> None:
    def between(heard: float, running=()):
        return guess([report(0, 100, 2.0, heard)], running, slots=1, sealed="0")

    for running in ((), (1,)):
        assert (between(5, running).rate, seconds(between(5, running))) == (20, 150)
    assert (between(61).rate, between(61).end) == (None, None)


def test_the_pace_of_a_sealed_shard_gives_way_to_one_at_work() -> None:
    told = [report(0, 100, 5.0), report(1, 0, 2.0)]
    assert guess(told, running=(1,), slots=1, sealed="0").rate == 20


def test_the_slowest_of_the_last_shards_is_the_end() -> None:
    sealed = guess([report(0, 50, 1.0), report(1, 90, 1.0)], sealed="2-3")
    assert seconds(sealed) == 50


def test_waiting_shards_begin_where_one_ends() -> None:
    # 50 and 100 s to go at work, then two shards of 100 s each: 50+100 and 100+100.
    assert seconds(guess([report(0, 50, 1.0), report(1, 0, 1.0)])) == 200


def test_a_tail_of_one_shard_is_in_the_estimate_though_most_workers_are_idle_then() -> None:
    # Five shards for four workers: a naive sum says 125 s.
    reports = [report(k, 0, 1.0) for k in range(4)]
    assert seconds(guess(reports, running=range(4), slots=4, shards=5)) == 200


def test_free_places_are_taken_by_waiting_shards_at_once() -> None:
    assert seconds(guess([report(0, 0, 1.0)], running=(0,), slots=4)) == 100


def test_what_is_processed_and_not_committed_counts() -> None:
    told = ShardReport(0, 1, 40, 100, 60, "running", False, NOW, NOW, 1.0)
    assert seconds(guess([told], running=(0,), slots=1, sealed="1-3")) == 40


def test_a_stalled_shard_does_not_throw_the_end_into_another_age() -> None:
    """Its smoothed rate goes to zero; the agent will end it, and another attempt goes on."""
    reports = [report(k, 50, 1.0) for k in range(3)] + [report(3, 50, 1e-12)]
    found = guess(reports, running=range(4), slots=4)
    assert seconds(found) == 500


def test_an_end_beyond_ten_years_is_not_told() -> None:
    found = guess([report(0, 1, 1e-12), report(1, 1, 1e-12)])
    assert found.end is None
    assert found.rate == pytest.approx(0, abs=1e-6)


def test_the_published_end_stays_while_it_is_nearly_right() -> None:
    first = guess([report(0, 0, 1.0), report(1, 0, 1.0)])
    wobbled = guess([report(0, 0, 1.05), report(1, 0, 0.97)], before=first.end)
    assert wobbled.end == first.end


def test_the_published_end_moves_when_it_is_a_tenth_wrong() -> None:
    first = guess([report(0, 0, 1.0), report(1, 0, 1.0)])
    slower = guess([report(0, 0, 0.5), report(1, 0, 0.5)], before=first.end)
    assert seconds(slower) == 400


def test_noise_of_a_third_in_every_report_moves_the_end_seldom_and_little() -> None:
    """A life of 20 minutes, eight at a time, a report of each shard every 5 s."""
    chosen, told, now, published = random.Random(7), {}, NOW, []
    done = dict.fromkeys(range(8), 0.0)
    rates = dict.fromkeys(range(8), 0.1)
    before = None
    while min(done.values()) < 90:
        now += timedelta(seconds=5)
        for shard in done:
            step = 0.5 * chosen.uniform(0.67, 1.33)
            done[shard] = min(done[shard] + step, 100)
            rates[shard] += 0.15 * (step / 5 - rates[shard])
            told[shard] = ShardReport(
                shard, 1, int(done[shard]), 100, int(done[shard]), "running", False, now, now,
                rates[shard],
            )  # fmt: skip
        found = guess(told.values(), running=range(8), slots=8, before=before, shards=8, now=now)
        before = found.end
        published.append((now, found.end))
    moves = [(at, a, b) for (_, a), (at, b) in pairwise(published) if a != b]
    assert len(moves) < len(published) / 10
    assert all(abs((b - a).total_seconds()) < 0.3 * (a - at).total_seconds() for at, a, b in moves)
