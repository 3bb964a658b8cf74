"""A batch whose bad rows are found by processes of their own, which the agent starts."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchprocess.protocol.records import Claim, Commit, Seal, decode
from support.pod_runs import Ended, Pod
from support.skipping_runs import bad_rows
from support.storage.fault_proxy import FaultProxy, Faults
from support.storage.s3_server import Server

pytestmark = pytest.mark.slow
SKIPS = {"on_bad_row": "skip", "max_bad_rows": "50%"}
SCRIPT = """
import json
from batchprocess import MetricReducer

BAD = {}
ROWS = 20

class Mean(MetricReducer):
    def __init__(self):
        self.reset()
    def reset(self):
        self.sum = self.count = 0
    def update(self, value):
        self.sum += value
        self.count += 1
    def per_slot_reduce(self):
        return [self.sum, self.count]
    def cross_slot_reduce(self, slots):
        return sum(one[0] for one in slots) / sum(one[1] for one in slots)

class Kept(Mean):
    def state_dict(self):
        return {"sum": self.sum, "count": self.count}
    def load_state_dict(self, state):
        self.sum, self.count = state["sum"], state["count"]

class Everything(Base):
    "Reducers of each kind, hooks, metrics and saves, all touched before the row that raises."
    def __init__(self, context):
        super().__init__(context)
        self.list = context.wrap_reducer(list, name="list")
        self.mean = context.wrap_reducer(Mean(), name="mean")
        self.kept = context.wrap_reducer(Kept(), name="kept")
        tell("starts")
    def process_batch(self, batch, batch_idx):
        rows = [int(value) for value in batch.tolist()]
        tell(f"{batch_idx} {rows}")
        self.context.save("x.jsonl", {"x": rows})
        for row in rows:
            self.list.update(row)
            self.mean.update(row)
            self.kept.update(row)
            if row in BAD:
                self.raise_of(row, rows)
            self.lines.append(str(row))
        self.context.report_metrics("g", batch_idx, {"rows": len(rows)})
    def raise_of(self, row, rows):
        raise ValueError(f"row {row}")

def tell(text):
    with open("told", "a") as file:
        file.write(f"{os.getpid()} {text}\\n")
"""


def run_folder(pod: Pod) -> Path:
    """Where the test can read it: a bucket of the gateway is a folder, too."""
    kept = pod.folder / "s3" / "objects" / "work" / "run"
    return kept if kept.exists() else pod.folder / "run"


def told(pod: Pod) -> list[list[str]]:
    """What each process has told, in the order of their starts."""
    found: dict[str, list[str]] = {}
    for line in (pod.folder / "told").read_text().splitlines():
        pid, _, text = line.partition(" ")
        found.setdefault(pid, []).append(text)
    return list(found.values())


def records(pod: Pod) -> Iterator[Claim | Commit | Seal]:
    for path in sorted((run_folder(pod) / "ledger" / "00000").glob("0*.json")):
        yield decode(path.read_bytes(), shard=0, seq=int(path.stem))


def saved(pod: Pod) -> list[int]:
    files = [one for record in records(pod) for one in getattr(record, "files", ())]
    paths = [run_folder(pod) / one.key for one in files if one.name == "x.jsonl"]
    return [json.loads(line)["x"] for path in paths for line in path.read_text().splitlines()]


def hooked(pod: Pod) -> list[int]:
    files = [one for record in records(pod) for one in getattr(record, "files", ())]
    paths = [run_folder(pod) / one.key for one in files if one.name == "rows.txt"]
    return [int(line) for path in paths for line in path.read_text().split()]


def reduced(pod: Pod) -> dict[str, Any]:
    """What reducers come to: of functions all values, of slots and states as they count."""
    flat: list[int] = []
    slots: dict[str, list[int]] = {}
    kept: dict[str, int] = {}
    for record in records(pod):
        for one in getattr(record, "reducers", ()):
            if one.kind == "function":
                flat += one.value
            if one.kind == "slot":
                slots[record.attempt] = one.value
            if one.kind == "state":
                kept = one.value
    sums = [sum(column) for column in zip(*slots.values(), strict=True)]
    return {"list": flat, "mean": sums, "kept": [kept["sum"], kept["count"]]}


def metrics(pod: Pod) -> list[tuple[int, int]]:
    return [
        (one.steps_completed, one.metrics["rows"])
        for record in records(pod)
        for one in getattr(record, "metrics", ())
    ]


def run(pod: Pod, script: str, **environment: Any) -> Ended:
    return pod.run(SCRIPT + script, **(SKIPS | environment))


def is_as_a_plain_loop_over(pod: Pod, good: list[int], batches: list[int]) -> None:
    """`batches`: how many good rows each has."""
    assert saved(pod) == hooked(pod) == good
    sums = [sum(good), len(good)]
    assert reduced(pod) == {"list": good, "mean": sums, "kept": sums}
    assert metrics(pod) == list(enumerate(batches))


def test_one_bad_row_is_found_by_one_process_and_left_out_by_the_next(pod: Pod) -> None:
    ended = run(pod, "BAD = {9}; go(Everything, Rows(ROWS), checkpoint_interval=100)")
    assert ended.code == 0, ended.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n != 9], [4, 4, 3, 4, 4])
    ((bad),) = bad_rows(run_folder(pod))
    assert (bad.row, bad.batch, bad.type, bad.message) == (9, 2, "ValueError", "row 9")
    assert "raise_of" in bad.traceback
    first, second, third = told(pod)
    alone = [f"2 [{row}]" for row in (8, 9, 10, 11)]
    before = ["0 [0, 1, 2, 3]", "1 [4, 5, 6, 7]"]
    assert first == ["starts", *before, "2 [8, 9, 10, 11]"]
    assert second == ["starts", *before, *alone]
    assert third == ["starts", "2 [8, 10, 11]", "3 [12, 13, 14, 15]", "4 [16, 17, 18, 19]"]
    claims = [one for one in records(pod) if isinstance(one, Claim)]
    assert [one.cursor for one in claims] == [0, 0, 2]
    assert [one.follows for one in claims] == [None, claims[0].attempt, claims[1].attempt]
    assert not list((run_folder(pod) / "ledger" / "00000").glob("failed-*"))


@pytest.mark.parametrize(
    ("bad", "batches", "processes"),
    [
        # One that raises in each of two batches, side by side, and all in one interval.
        ({3, 4}, [3, 3, 4, 4, 4], 5),
        # Two of one batch: the second is tried in a process that the first has not raised in.
        ({8, 11}, [4, 4, 2, 4, 4], 4),
        ({0, 10, 19}, [3, 4, 3, 4, 3], 7),
    ],
)
def test_bad_rows_of_several_batches_and_several_of_one(
    pod: Pod, bad: set[int], batches: list[int], processes: int
) -> None:
    script = f"BAD = {bad}; go(Everything, Rows(ROWS), checkpoint_interval=100)"
    ended = run(pod, script, max_attempts_without_progress=1)
    assert ended.code == 0, ended.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n not in bad], batches)
    assert [one.row for one in bad_rows(run_folder(pod))] == sorted(bad)
    assert len(told(pod)) == processes


def test_a_row_that_breaks_the_processor_takes_no_other_with_it(pod: Pod) -> None:
    """What raises behind it in its process is tried again in one that it is not in."""
    script = """
class Breaks(Everything):
    broken = False
    def process_batch(self, batch, batch_idx):
        if self.broken:
            raise ValueError("broken")
        super().process_batch(batch, batch_idx)
    def raise_of(self, row, rows):
        self.broken = True
        super().raise_of(row, rows)
BAD = {9}; go(Breaks, Rows(ROWS), dataloader_kwargs={"num_workers": 1})
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n != 9], [4, 4, 3, 4, 4])
    assert [one.row for one in bad_rows(run_folder(pod))] == [9]


def test_a_batch_of_one_row_needs_no_trial(pod: Pod) -> None:
    ended = run(pod, "BAD = {1}; go(Everything, Rows(3), batch_size=1)")
    assert ended.code == 0, ended.stderr
    assert (saved(pod), reduced(pod)["list"], metrics(pod)) == ([0, 2], [0, 2], [(0, 1), (2, 1)])
    assert len(told(pod)) == 2


def ends_without_a_bad_row(ended: Ended, pod: Pod, says: str, cursor: int) -> None:
    assert ended.code == 90, ended.stderr
    assert says in ended.last_line
    assert ended.message["shards"][0]["cursor"] == cursor
    assert bad_rows(run_folder(pod)) == []
    (note,) = (run_folder(pod) / "ledger" / "00000").glob("failed-2-*")
    left = json.loads(note.read_text())
    assert (left["error_class"], "script.py" in left["line"]) == ("ValueError", True)
    assert "raise_of" in left["traceback"]


@pytest.mark.parametrize(
    ("raises", "says"),
    [
        (
            "if len(rows) > 1: super().raise_of(row, rows)",
            "process_batch raised ValueError: row 8 (no row is left out: each of its rows alone "
            "can be processed) (batch 2 of shard 0, rows 8 to 11)",
        ),
        (
            # Another one raises once the first is out.
            "if row == 9 or len(rows) == 3: super().raise_of(row, rows)",
            "row 8 (no row is left out: each of its other rows alone can be processed)",
        ),
        (
            "if len(rows) == 1: self.context.save('x.jsonl', {'x': [object()]})\n"
            "        super().raise_of(row, rows)",
            "row 8 alone is refused",
        ),
    ],
)
def test_no_row_is_to_blame(pod: Pod, raises: str, says: str) -> None:
    script = f"""
class Other(Everything):
    def raise_of(self, row, rows):
        {raises}
BAD = {{8, 9}}; go(Other, Rows(ROWS), checkpoint_interval=1)
"""
    ends_without_a_bad_row(run(pod, script), pod, says, 2)


def test_what_all_rows_alone_fail_with_is_none_of_theirs_and_a_second_attempt_is_the_last(
    pod: Pod,
) -> None:
    script = "BAD = set(range(8, 20)); go(Everything, Rows(ROWS), checkpoint_interval=1)"
    says = "all its 4 rows alone fail alike, so none is to blame"
    ends_without_a_bad_row(run(pod, script, job="20260101T000000Z-same"), pod, says, 2)
    again = run(pod, script, job="20260101T000000Z-same")
    assert (again.code, "has ended alike" in again.last_line) == (92, True), again.stderr


def test_who_opens_upload_path_in_a_batch_is_told_of_context_fail(pod: Pod) -> None:
    script = """
class Opens(Everything):
    def raise_of(self, row, rows):
        with self.context.upload_path():
            pass
        super().raise_of(row, rows)
BAD = {9}; go(Opens, Rows(ROWS), checkpoint_interval=1)
"""
    says = "(no row is left out: process_batch opens upload_path(): name bad rows by context.fail"
    ends_without_a_bad_row(run(pod, script), pod, says, 2)
    assert len(told(pod)) == 1


DIES_ONCE = """
class Dies(Everything):
    def process_batch(self, batch, batch_idx):
        super().process_batch(batch, batch_idx)
        at = pathlib.Path("dead")
        if {when} and not at.exists():
            at.touch()
            os.kill({pid}, {signal})
            time.sleep({sleep})
BAD = {{9, 11}}; go(Dies, Rows(ROWS), checkpoint_interval=100)
"""


@pytest.mark.parametrize("when", ["batch.tolist() == [8]", "batch_idx == 2 and len(batch) == 2"])
@pytest.mark.parametrize("pid", ["os.getpid()", "os.getppid()"], ids=["child", "agent"])
def test_a_death_in_the_middle_is_none_of_a_row_and_the_next_attempt_finds_the_same(
    pod: Pod, when: str, pid: str
) -> None:
    script = DIES_ONCE.format(when=when, pid=pid, signal=9, sleep=100 if "pp" in pid else 0)
    ended = run(pod, script)
    assert ended.code == (137 if pid == "os.getpid()" else -signal.SIGKILL), ended.stderr
    assert bad_rows(run_folder(pod)) == []
    again = run(pod, script)
    assert again.code == 0, again.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n not in {9, 11}], [4, 4, 2, 4, 4])
    assert [one.row for one in bad_rows(run_folder(pod))] == [9, 11]


def test_a_stop_while_rows_are_tried_names_nobody(pod: Pod) -> None:
    script = DIES_ONCE.format(
        when="batch.tolist() == [8]", pid="os.getppid()", signal=int(signal.SIGTERM), sleep=1
    )
    ended = run(pod, script)
    assert ended.code == 85, ended.stderr
    assert ended.message["shards"][0]["cursor"] == 2
    assert bad_rows(run_folder(pod)) == []
    again = run(pod, script)
    assert again.code == 0, again.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n not in {9, 11}], [4, 4, 2, 4, 4])


def test_whoever_was_fenced_meanwhile_has_nobody_go_on_for_it(pod: Pod) -> None:
    """A pod that was given up must not take the shard back, however it is asked to go on."""
    script = """
from batchprocess.ledger.attempt import claim
from batchprocess.runs.finish import identity
from batchprocess.runs.perform import perform
from batchprocess.storage.factory import open_storage
class Twin(Everything):
    def raise_of(self, row, rows):
        if len(rows) == 1:
            me = identity(os.environ["BATCHPROCESS_JOB"], 0)
            perform(claim(me, max_without_progress=None), open_storage("run"))
        super().raise_of(row, rows)
BAD = {9}; go(Twin, Rows(ROWS))
"""
    ended = run(pod, script)
    assert ended.code == 87, ended.stderr
    assert [type(one) for one in records(pod)][-1] is Claim
    assert bad_rows(run_folder(pod)) == []


def test_the_limit_is_of_committed_rows_and_with_a_higher_one_the_run_goes_on(pod: Pod) -> None:
    script = "BAD = {8, 10, 14}; go(Everything, Rows(ROWS), checkpoint_interval=100)"
    ended = run(pod, script, max_bad_rows="1")
    assert ended.code == 95, ended.stderr
    assert "shard 0 alone has 2 bad rows" in ended.last_line
    assert ended.message["shards"][0]["bad_rows"] == 2
    assert [one.row for one in bad_rows(run_folder(pod))] == [8, 10]
    again = run(pod, script, max_bad_rows="3")
    assert again.code == 0, again.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n not in {8, 10, 14}], [4, 4, 2, 3, 4])


def test_a_sibling_goes_on_meanwhile(pod: Pod) -> None:
    script = "BAD = {3}; go(Everything, Rows(ROWS))"
    ended = run(pod, script, shards=2, processes_per_worker=2)
    assert ended.code == 0, ended.stderr
    assert [one["sealed"] for one in ended.message["shards"]] == [True, True]
    assert len(told(pod)) == 4
    assert [one.row for one in bad_rows(run_folder(pod))] == [3]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_batch_that_reports_is_looked_through_whether_it_raises_before_or_behind_that(
    pod: Pod, when: str
) -> None:
    """Alone its rows would report one behind the other what is said of the batch once."""
    script = f"""
class Reports(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        tell("starts")
    def process_batch(self, batch, batch_idx):
        rows = [int(value) for value in batch.tolist()]
        self.context.save("x.jsonl", {{"x": rows}})
        if {when == "after"}:
            self.context.report_metrics("g", batch_idx, {{"rows": len(rows)}})
        if BAD & set(rows):
            raise ValueError("some row")
        if {when == "before"}:
            self.context.report_metrics("g", batch_idx, {{"rows": len(rows)}})
BAD = {{9}}; go(Reports, Rows(ROWS))
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    assert saved(pod) == [n for n in range(20) if n != 9]
    assert metrics(pod) == list(enumerate([4, 4, 3, 4, 4]))
    assert len(told(pod)) == 3


def test_a_batch_that_has_saved_more_than_is_held_back_is_looked_through_elsewhere(
    pod: Pod,
) -> None:
    script = """
from batchprocess.sdk.save.saver import Saver
Saver.__init__.__defaults__ = (None, 100, None)  # bytes
class Saves(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        tell("starts")
    def process_batch(self, batch, batch_idx):
        for row in batch.int().tolist():
            self.context.save("x.jsonl", {"x": torch.full((10,), row)}, ids=list(range(10)))
            if row in BAD:
                raise ValueError("some row")
BAD = {9}; go(Saves, Rows(ROWS))
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    assert saved(pod) == [n for n in range(20) if n != 9 for _ in range(10)]
    assert len(told(pod)) == 3


def test_a_batch_of_nothing_but_bad_rows_of_several_kinds_is_done_without_a_call(
    pod: Pod,
) -> None:
    script = """
class Kinds(Everything):
    def raise_of(self, row, rows):
        raise {8: ValueError, 9: KeyError}[row](row)
BAD = {8, 9}; go(Kinds, Rows(ROWS), batch_size=2, checkpoint_interval=100)
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    assert saved(pod) == hooked(pod) == [n for n in range(20) if n not in {8, 9}]
    assert metrics(pod) == [(batch, 2) for batch in range(10) if batch != 4]
    assert [one.type for one in bad_rows(run_folder(pod))] == ["ValueError", "KeyError"]


def test_on_s3_with_lost_answers_all_is_the_same(
    pod: Pod, gateway: Server, proxy: FaultProxy
) -> None:
    proxy.faults = Faults(error_500=0.1, slow_down=0.05, reset_in_body=0.05, lost_create=0.3)
    script = "BAD = {3, 9, 11}; go(Everything, Rows(ROWS), checkpoint_interval=100)"
    settings = gateway.through(proxy.endpoint).settings()
    on_s3 = {"run_uri": f"s3://{gateway.bucket}/run", "s3": settings}
    ended = run(pod, script, storage_deadline_seconds=60, **on_s3)
    assert ended.code == 0, ended.stderr
    is_as_a_plain_loop_over(pod, [n for n in range(20) if n not in {3, 9, 11}], [3, 4, 2, 4, 4])
    assert [one.row for one in bad_rows(run_folder(pod))] == [3, 9, 11]
    assert proxy.done["lost_create"] > 0


def test_a_process_in_which_a_batch_was_repeated_in_place_tries_no_other(pod: Pod) -> None:
    script = """
class Seldom(TorchBatchProcessor):
    "Only batches that report cannot be repeated in place."
    def __init__(self, context):
        self.context = context
        tell("starts")
    def process_batch(self, batch, batch_idx):
        rows = [int(value) for value in batch.tolist()]
        tell(f"{batch_idx} {rows}")
        self.context.save("x.jsonl", {"x": rows})
        if BAD & set(rows):
            raise ValueError("some row")
        if batch_idx == 2:
            self.context.report_metrics("g", batch_idx, {"rows": len(rows)})
BAD = {5, 9}; go(Seldom, Rows(ROWS), checkpoint_interval=100)
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    assert saved(pod) == [n for n in range(20) if n not in {5, 9}]
    assert [one.row for one in bad_rows(run_folder(pod))] == sorted({5, 9})
    _, second, third, fourth = told(pod)
    assert second[-1] == "1 [7]"
    assert third[1:] == [f"2 [{row}]" for row in (8, 9, 10, 11)]
    assert fourth[1] == "2 [8, 10, 11]"


def test_a_row_that_breaks_a_processor_that_only_saves_takes_no_other_with_it(pod: Pod) -> None:
    """In place all behind it seem bad, in ways of their own."""
    script = """
class Breaks(TorchBatchProcessor):
    broken = False
    def __init__(self, context):
        self.context = context
        tell("starts")
    def process_batch(self, batch, batch_idx):
        if self.broken:
            raise RuntimeError("closed")
        rows = batch.int().tolist()
        self.context.save("x.jsonl", {"x": rows})
        if BAD & set(rows):
            self.broken = len(rows) == 1
            raise ValueError("some row")
BAD = {9}; go(Breaks, Rows(ROWS))
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    assert saved(pod) == [n for n in range(20) if n != 9]
    assert [one.row for one in bad_rows(run_folder(pod))] == [9]
    assert len(told(pod)) == 4


@pytest.mark.parametrize("calls", [1, 10**6])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_what_a_row_leaves_behind_in_a_processor_that_only_saves_takes_no_other_with_it(
    pod: Pod, batch_size: int, calls: int
) -> None:
    """Whether it is there for one call or for ever, in its batch or in the next."""
    script = f"""
class Leaves(TorchBatchProcessor):
    left = 0
    def __init__(self, context):
        self.context = context
    def process_batch(self, batch, batch_idx):
        if self.left:
            self.left -= 1
            raise RuntimeError("busy")
        rows = batch.int().tolist()
        self.context.save("x.jsonl", {{"x": rows}})
        if BAD & set(rows):
            self.left = {calls}
            raise ValueError("some row")
BAD = {{5, 11, 12}}; go(Leaves, Rows(ROWS), batch_size={batch_size})
"""
    ended = run(pod, script)
    assert ended.code == 0, ended.stderr
    assert saved(pod) == [n for n in range(20) if n not in {5, 11, 12}]
    assert [one.row for one in bad_rows(run_folder(pod))] == [5, 11, 12]


@pytest.mark.parametrize("workers", [0, 1])
def test_rows_that_are_left_out_by_hand_are_not_tried_either(pod: Pod, workers: int) -> None:
    by_hand = [4, 5, 6, 7, 8, 16, 17, 18, 19]
    options = f"checkpoint_interval=100, dataloader_kwargs={{'num_workers': {workers}}}"
    script = f"BAD = {{9, 10}} | set({by_hand}); go(Everything, Rows(ROWS), {options})"
    ended = run(pod, script, rows={"skip": by_hand}, max_bad_rows="60%")
    assert ended.code == 0, ended.stderr
    good = [n for n in range(20) if n not in {9, 10, *by_hand}]
    assert saved(pod) == hooked(pod) == reduced(pod)["list"] == good
    found = {one.row: one.stage for one in bad_rows(run_folder(pod))}
    assert found == dict.fromkeys(by_hand, "skipped") | dict.fromkeys((9, 10), "process_batch")
