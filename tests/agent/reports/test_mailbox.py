"""The mailbox: newest wins, nobody waits, one line in the log, and an end within its bound."""

import contextlib
import queue
import threading

import pytest

from batchprocess.agent.pod.child_watch import Pod, Watch
from batchprocess.agent.reports.mailbox import Answer, MailedReporter, Pace, Schedule
from batchprocess.protocol.control import Claimed
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.sharding import ShardPlan

ENVIRONMENT = WorkerEnvironment(job="j", job_name="j", run_uri="/r", shards=4)
PATIENCE = 60
"""Seconds for what must happen; only a broken reporter makes a test take them."""


def word(cursor: int) -> ProgressReport:
    one = ShardProgress(shard=0, seq=1, cursor=cursor, total=100, processed=cursor)
    return ProgressReport(shards=(one,))


class FakeRoad:
    """Answers as told; hands what was sent to the test, and can hang until it is let go."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.now = list(answers), 1_000.0
        self.sent: queue.Queue[int] = queue.Queue()
        self.free = threading.Event()
        self.free.set()
        self.answered = threading.Semaphore(0)

    def post(self, body: bytes) -> Answer:
        self.sent.put(ProgressReport.model_validate_json(body).shards[0].cursor)
        self.free.wait(PATIENCE)
        self.answered.release()
        return self.answers.pop(0) if self.answers else Answer()

    def next_sent(self) -> int:
        return self.sent.get(timeout=PATIENCE)

    def reporter(self, last: float = PATIENCE) -> MailedReporter:
        return MailedReporter(
            ENVIRONMENT,
            Pace(last=last),
            lambda _: self.post,
            clock=lambda: self.now,
            draw=lambda: 0.0,
        )


@contextlib.contextmanager
def ended(reporter: MailedReporter, road: FakeRoad):
    """Lets the thread go at the end, whatever it waits for."""
    try:
        yield reporter
    finally:
        road.free.set()
        reporter.last(word(99))


def test_the_first_word_goes_out_at_once_and_the_next_one_when_it_is_due():
    road = FakeRoad()
    with ended(road.reporter(), road) as reporter:
        reporter.report(word(1))
        assert road.next_sent() == 1
        for cursor in (2, 3, 4):
            reporter.report(word(cursor))
        assert road.sent.empty()
        road.now += 5.0
        reporter.report(word(5))
        assert road.next_sent() == 5


def test_without_a_first_report_no_thread_is_started_and_the_end_is_no_trouble():
    before = threading.active_count()
    reporter = FakeRoad().reporter()
    assert threading.active_count() == before
    reporter.last(word(1))


def test_the_last_word_does_not_wait_until_it_is_due():
    road = FakeRoad()
    reporter = road.reporter()
    reporter.report(word(1))
    assert road.next_sent() == 1
    reporter.last(word(2))
    assert road.next_sent() == 2


def test_a_hanging_road_holds_nobody_up_and_sends_the_newest_word_afterwards():
    road = FakeRoad()
    road.free.clear()
    with ended(road.reporter(), road) as reporter:
        reporter.report(word(1))
        assert road.next_sent() == 1
        for cursor in range(2, 100):
            reporter.report(word(cursor))
        # All of that happened while the first one was still on its way.
        assert not road.answered.acquire(blocking=False)
        road.now += 100.0
        road.free.set()
        assert road.next_sent() == 99


def test_the_end_does_not_wait_for_a_hanging_road_and_nothing_is_said_after_it(capsys):
    road = FakeRoad(Answer("it broke"))
    road.free.clear()
    reporter = road.reporter(last=0.01)
    reporter.report(word(1))
    assert road.next_sent() == 1
    reporter.last(word(2))
    assert not road.answered.acquire(blocking=False)
    road.free.set()
    assert road.next_sent() == 2
    assert capsys.readouterr().err == ""


def test_a_failure_is_one_line_until_it_works_again():
    schedule, problem, now = Schedule(), Answer("OSError: no route"), 0.0
    said = []
    for answer in (problem, problem, problem, Answer(), Answer(), problem):
        said.append(schedule.judge(answer, now, now, 0.0))
        now += 100.0
    broken = "progress reports do not arrive, work goes on without: OSError: no route"
    assert said == [broken, None, None, "progress reports arrive again", None, broken]


def test_what_is_to_be_said_is_said_once_in_the_log(capsys):
    road = FakeRoad(*[Answer("OSError: no route")] * 4)
    with ended(road.reporter(), road) as reporter:
        for cursor in (1, 2, 3):
            reporter.report(word(cursor))
            assert road.next_sent() == cursor
            road.now += 100.0
    assert capsys.readouterr().err.splitlines() == [
        "agent: progress reports do not arrive, work goes on without: OSError: no route"
    ]


def test_a_request_to_slow_down_is_heeded_also_by_the_last_word():
    road = FakeRoad(Answer(wait=60.0))
    reporter = road.reporter()
    reporter.report(word(1))
    assert road.next_sent() == 1
    reporter.last(word(3))
    assert road.sent.empty()


@pytest.mark.parametrize("error", [ValueError("no CA"), OSError("bad PEM")])
def test_a_road_that_cannot_be_built_is_one_line_and_no_more(error, capsys):
    def connect(_environment):
        raise error

    reporter = MailedReporter(ENVIRONMENT, connect=connect)
    reporter.report(word(1))
    reporter._thread.join(PATIENCE)
    reporter.report(word(2))
    reporter.last(word(3))
    assert capsys.readouterr().err == f"agent: no progress reports will be sent: {error}\n"


@pytest.mark.parametrize(
    ("answers", "draw", "pause"),
    [
        ([Answer()], 0.0, 5.0),
        ([Answer()], 0.5, 5.5),
        ([Answer("x")], 0.0, 5.0),
        ([Answer("x")] * 2, 0.0, 10.0),
        ([Answer("x")] * 3, 0.0, 20.0),
        ([Answer("x")] * 4, 0.0, 30.0),
        ([Answer("x")] * 2_000, 0.0, 30.0),
        ([Answer("x")] * 9 + [Answer()], 0.0, 5.0),
        ([Answer(wait=0.0)], 0.0, 5.0),
        ([Answer(wait=12.0)], 0.0, 15.0),
        ([Answer(wait=1e9)], 0.0, 303.0),
    ],
)
def test_reports_never_come_faster_than_allowed_nor_slower_than_bearable(answers, draw, pause):
    """Each takes three seconds; the wait that was asked for begins with the answer."""
    schedule = Schedule()
    for answer in answers:
        schedule.judge(answer, began=100.0, ended=103.0, draw=draw)
    assert schedule.due - 100.0 == pytest.approx(pause)


def test_a_report_of_16_shards_fits_with_the_largest_numbers_that_may_be_told():
    most = 2**53 - 1
    shard = ShardProgress(
        shard=most, seq=most, cursor=most, total=most, processed=most, rows=most,
        phase="finishing", sealed=False,
    )  # fmt: skip
    shape = RunShape(rows=most, batch_size=most, batches=most)
    assert len(ProgressReport(shards=(shard,) * 16, run=shape).model_dump_json()) <= 4_096


def test_a_report_tells_the_runs_shape_once_a_child_has_claimed():
    pod = Pod([Watch(0, 0.0), Watch(1, 0.0)])
    assert pod.as_report().run is None
    shape = RunShape.of(ShardPlan(rows=1_000, batch_size=64, shards=3, max_batches=4))
    assert (shape.rows, shape.batch_size, shape.batches) == (1_000, 64, 12)
    pod.watches[1].take(Claimed(shard=1, seq=7, cursor=2, total=4, run=shape), 1.0)
    report = pod.as_report()
    assert report.run == shape
    assert [(one.shard, one.seq, one.total) for one in report.shards] == [(0, 0, 0), (1, 7, 4)]
