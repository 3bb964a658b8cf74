"""The mailbox: newest wins, nobody waits, one line in the log, and an end within its bound."""

import contextlib
import queue
import threading

import pytest

from batchprocess.agent.pod.child_watch import Watch
from batchprocess.agent.pod.pod_children import PodChildren
from batchprocess.agent.reports.delivery import Answer
from batchprocess.agent.reports.mailbox import MailedReporter, Pace, Schedule
from batchprocess.protocol.control import Claimed
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.sharding import ShardPlan

ENVIRONMENT = WorkerEnvironment(job="j", job_name="j", run_uri="/r", shards=4)
PATIENCE = 60
"""Seconds for what must happen; only a broken reporter makes a test take them."""


def report_of(cursor: int) -> ProgressReport:
    one = ShardProgress(shard=0, seq=1, cursor=cursor, total=100, processed=cursor)
    return ProgressReport(shards=(one,))


class FakeConnection:
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
def ended(reporter: MailedReporter, connection: FakeConnection):
    """Lets the thread go at the end, whatever it waits for."""
    try:
        yield reporter
    finally:
        connection.free.set()
        reporter.last(report_of(99))


def test_the_first_report_goes_out_at_once_and_the_next_one_when_it_is_due():
    connection = FakeConnection()
    with ended(connection.reporter(), connection) as reporter:
        reporter.report(report_of(1))
        assert connection.next_sent() == 1
        for cursor in (2, 3, 4):
            reporter.report(report_of(cursor))
        assert connection.sent.empty()
        connection.now += 5.0
        reporter.report(report_of(5))
        assert connection.next_sent() == 5


def test_without_a_first_report_no_thread_is_started_and_the_end_is_no_trouble():
    before = threading.active_count()
    reporter = FakeConnection().reporter()
    assert threading.active_count() == before
    reporter.last(report_of(1))


def test_the_last_report_does_not_wait_until_it_is_due():
    connection = FakeConnection()
    reporter = connection.reporter()
    reporter.report(report_of(1))
    assert connection.next_sent() == 1
    reporter.last(report_of(2))
    assert connection.next_sent() == 2


def test_a_hanging_server_holds_nobody_up_and_sends_the_newest_report_afterwards():
    connection = FakeConnection()
    connection.free.clear()
    with ended(connection.reporter(), connection) as reporter:
        reporter.report(report_of(1))
        assert connection.next_sent() == 1
        for cursor in range(2, 100):
            reporter.report(report_of(cursor))
        # All of that happened while the first one was still on its way.
        assert not connection.answered.acquire(blocking=False)
        connection.now += 100.0
        connection.free.set()
        assert connection.next_sent() == 99


def test_the_end_does_not_wait_for_a_hanging_server_and_nothing_is_said_after_it(capsys):
    connection = FakeConnection(Answer("it broke"))
    connection.free.clear()
    reporter = connection.reporter(last=0.01)
    reporter.report(report_of(1))
    assert connection.next_sent() == 1
    reporter.last(report_of(2))
    assert not connection.answered.acquire(blocking=False)
    connection.free.set()
    assert connection.next_sent() == 2
    assert capsys.readouterr().err == ""


def test_a_failure_is_one_line_until_it_works_again():
    schedule, problem, now = Schedule(), Answer("OSError: no route"), 0.0
    said = []
    for answer in (problem, problem, problem, Answer(), Answer(), problem):
        said.append(schedule.record(answer, now, now, 0.0))
        now += 100.0
    broken = "progress reports do not arrive, work goes on without: OSError: no route"
    assert said == [broken, None, None, "progress reports arrive again", None, broken]


def test_what_is_to_be_said_is_said_once_in_the_log(capsys):
    connection = FakeConnection(*[Answer("OSError: no route")] * 4)
    with ended(connection.reporter(), connection) as reporter:
        for cursor in (1, 2, 3):
            reporter.report(report_of(cursor))
            assert connection.next_sent() == cursor
            connection.now += 100.0
    assert capsys.readouterr().err.splitlines() == [
        "agent: progress reports do not arrive, work goes on without: OSError: no route"
    ]


def test_a_request_to_slow_down_is_heeded_also_by_the_last_report():
    connection = FakeConnection(Answer(wait=60.0))
    reporter = connection.reporter()
    reporter.report(report_of(1))
    assert connection.next_sent() == 1
    reporter.last(report_of(3))
    assert connection.sent.empty()


@pytest.mark.parametrize("error", [ValueError("no CA"), OSError("bad PEM")])
def test_a_connection_that_cannot_be_built_is_one_line_and_no_more(error, capsys):
    def connect(_environment):
        raise error

    reporter = MailedReporter(ENVIRONMENT, connect=connect)
    reporter.report(report_of(1))
    reporter._thread.join(PATIENCE)
    reporter.report(report_of(2))
    reporter.last(report_of(3))
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
        schedule.record(answer, began=100.0, ended=103.0, draw=draw)
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
    pod = PodChildren([Watch(0, 0.0), Watch(1, 0.0)])
    assert pod.as_report().run is None
    shape = RunShape.of(ShardPlan(rows=1_000, batch_size=64, shards=3, max_batches=4))
    assert (shape.rows, shape.batch_size, shape.batches) == (1_000, 64, 12)
    pod.watches[1].record(Claimed(shard=1, seq=7, cursor=2, total=4, run=shape), 1.0)
    report = pod.as_report()
    assert report.run == shape
    assert [(one.shard, one.seq, one.total) for one in report.shards] == [(0, 0, 0), (1, 7, 4)]
