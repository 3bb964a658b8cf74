"""What follows from a child's words, its status, and what storage says."""

from pathlib import Path

import pytest

from batchprocess.agent.local.gpus import share, visible_gpus
from batchprocess.agent.local.retries import Tally
from batchprocess.agent.pod.child_watch import Pod, SealSeen, Watch
from batchprocess.agent.processes import gpu_of, missing_script
from batchprocess.protocol.control import Beat, Claimed, Committed, Hello, Outcome

LIMITS = {"start_seconds": 100.0, "stall_seconds": 10.0}


def beat(phase: str, since: float) -> Beat:
    return Beat(shard=0, phase=phase, since=since, processed=1, cursor=0, total=9)


@pytest.mark.parametrize(
    ("status", "seal", "said", "stopping", "code", "part"),
    [
        (0, "complete", None, False, 0, "complete"),
        (-11, "complete", None, False, 0, "complete"),
        (1, "complete", 90, True, 0, "complete"),
        (0, "abandoned", None, False, 94, "start another run"),
        (0, "none", None, False, 1, "does it call torch_batch_process?"),
        (127, "none", None, False, 1, "command not found?"),
        (1, "none", 90, False, 90, "said it"),
        (-9, "none", 90, False, 137, "out of memory?"),
        (-11, "none", None, False, 139, "stack overflow"),
        (139, "none", None, False, 139, "SIGSEGV"),
        (1, "none", 90, True, 85, "stopped"),
        (1, "none", 87, True, 87, "said it"),
        (0, "unreadable", None, False, 88, "could not be read back"),
        (1, "unreadable", 1, False, 1, "said it"),
    ],
)
def test_the_seal_comes_before_all_that_the_process_says(status, seal, said, stopping, code, part):
    watch = Watch(3, 0.0)
    if said is not None:
        watch.take(Outcome(code=said, message="said it"), 1.0)
    watch.end(status, SealSeen(seal), stopping=stopping)
    assert (watch.code, part in watch.sentence) == (code, True)


@pytest.mark.parametrize(
    ("processed", "cursor", "sentence"),
    [
        (0, 0, "shard 3 was stopped before anything had been processed"),
        (1, 0, "shard 3 was stopped before anything had been committed"),
        (5, 5, "shard 3 was stopped at batch 5, committed"),
    ],
)
def test_who_is_stopped_early_is_not_said_to_have_committed(processed, cursor, sentence):
    watch = Watch(3, 0.0, processed=processed)
    watch.end(-9, SealSeen("none", cursor), stopping=True)
    assert (watch.code, watch.sentence) == (85, sentence)


def test_before_the_first_batch_the_start_bound_holds():
    watch = Watch(0, 0.0)
    watch.take(beat("starting", 99), 99.0)
    assert not watch.stalled(99.0, **LIMITS)
    assert watch.stalled(101.0, **LIMITS)


def test_a_loop_that_stands_still_is_stalled_and_one_that_waits_for_storage_is_not():
    watch = Watch(0, 0.0)
    watch.take(beat("running", 11), 50.0)
    assert watch.stalled(50.0, **LIMITS)
    watch.take(beat("storage", 500), 51.0)
    assert not watch.stalled(60.0, **LIMITS)


def test_a_child_that_says_nothing_is_stalled_in_any_phase():
    watch = Watch(0, 0.0)
    watch.take(beat("storage", 0), 50.0)
    assert watch.stalled(61.0, **LIMITS)


def test_commits_move_the_cursor_and_reports_carry_the_claims_number():
    watch = Watch(5, 0.0)
    watch.take(Claimed(shard=5, seq=4, cursor=10, total=30), 1.0)
    watch.take(Committed(shard=5, seq=5, cursor=20), 2.0)
    assert (watch.as_end().cursor, watch.as_end().seq) == (20, 5)
    assert (watch.as_progress().cursor, watch.as_progress().seq) == (20, 4)


def test_the_grace_ends_three_seconds_early():
    pod = Pod(stop_since=100.0)
    assert not pod.grace_over(156.9, 60)
    assert pod.grace_over(157.0, 60)


def test_a_failing_worker_is_tried_again_as_often_as_allowed():
    tally = Tally(workers=1, retries=2)
    for _ in range(3):
        assert tally.todo == [0]
        tally.todo.clear()
        tally.ended(0, 90, "boom")
    assert tally.todo == []
    assert tally.worst() == (90, "boom")


def test_who_ends_twice_with_the_same_words_before_its_claim_is_not_tried_again():
    tally = Tally(workers=1, retries=9)
    for message, claimed in [("a", False), ("b", False), ("b", True), ("b", False)]:
        tally.ended(0, 1, message, claimed=claimed)
    assert tally.failed == {}
    tally.ended(0, 1, "b", claimed=False)
    assert tally.failed == {0: (1, "b")}


def test_tries_are_numbered():
    tally = Tally(workers=1, retries=3)
    assert tally.again(0) is None
    tally.todo.clear()
    tally.ended(0, 90, "boom")
    assert tally.again(0) == "2 of 4"


@pytest.mark.parametrize(
    ("status", "begun", "code"), [(1, False, 91), (2, False, 91), (1, True, 1), (3, False, 1)]
)
def test_a_command_that_dies_before_the_call_can_never_work_unless_it_has_worked(
    status, begun, code
):
    watch = Watch(0, 0.0)
    watch.end(status, SealSeen("none", begun=begun), stopping=False)
    assert watch.code == code
    assert "before it called torch_batch_process" in watch.sentence
    greeted = Watch(0, 0.0)
    greeted.take(Hello(pid=7), 1.0)
    greeted.end(status, SealSeen("none", begun=begun), stopping=False)
    assert (greeted.code, "does it call" in greeted.sentence) == (1, True)


@pytest.mark.parametrize(("code", "fatal"), [(91, True), (87, True), (88, True), (1, False)])
def test_what_no_retry_can_mend_ends_the_run(code, fatal):
    tally = Tally(workers=2, retries=3)
    tally.ended(1, code, "why")
    assert tally.over is fatal


def test_user_errors_fail_at_once_if_the_job_says_so():
    tally = Tally(workers=1, retries=3, fail_on_user_code=True)
    tally.todo.clear()
    tally.ended(0, 90, "boom")
    assert tally.failed == {0: (90, "boom")}


def test_a_child_sees_one_gpu_of_those_inherited_and_all_if_it_is_alone():
    inherited = {"CUDA_VISIBLE_DEVICES": "4,GPU-a,6"}
    assert gpu_of(1, 2, inherited) == {"CUDA_VISIBLE_DEVICES": "GPU-a"}
    assert gpu_of(1, 2, {}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert gpu_of(0, 1, inherited) == {}


def test_gpus_come_from_the_environment_or_the_devices(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible_gpus({}, tmp_path) == ["0", "1", "10"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "3,5"}, tmp_path) == ["3", "5"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == []
    assert share(["3", "5", "7", "9"], slot=1, each=2) == "7,9"


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python there.py x.py", None),
        ("python x.py there.py", "x.py"),
        ("/opt/bin/python3.11 -u -W ignore -X dev x.py", "x.py"),
        ("python -m x", None),
        ("python -c 1 x.py", None),
        ("python -", None),
        ("python", None),
        ("bash x.py", None),
        ("", None),
    ],
)
def test_the_script_that_an_interpreter_lacks_is_found(
    command: str, found: str | None, tmp_path: Path
) -> None:
    (tmp_path / "there.py").touch()
    missing = missing_script(command.split(), tmp_path)
    assert missing == (None if found is None else tmp_path / found)
