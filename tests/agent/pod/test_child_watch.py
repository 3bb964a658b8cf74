"""What follows from a child's words, its status, and what storage says."""

import pytest

from batchprocess.agent.pod.child_watch import Limits, SealSeen, Watch
from batchprocess.agent.pod.pod_children import PodChildren
from batchprocess.agent.pod.verdict import conclude
from batchprocess.protocol.control import Beat, Claimed, Committed, Ending, Hello, Indexed, Outcome
from batchprocess.protocol.run import RunShape

LIMITS = Limits(start=100.0, stall=10.0)


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
        (1, "none", 95, True, 95, "said it"),
        (0, "unreadable", None, False, 88, "could not be read back"),
        (1, "unreadable", 1, False, 1, "said it"),
    ],
)
def test_the_seal_comes_before_all_that_the_process_says(status, seal, said, stopping, code, part):
    watch = Watch(3, 0.0)
    if said is not None:
        watch.record(Outcome(code=said, message="said it"), 1.0)
    conclude(watch, status, SealSeen(seal), stopping=stopping)
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
    conclude(watch, -9, SealSeen("none", cursor), stopping=True)
    assert (watch.code, watch.sentence) == (85, sentence)


@pytest.mark.parametrize(
    ("cursor", "where"),
    [
        (30, "(in batch 37 or soon after, batches before 30 are committed: with checkpointInter"),
        (0, "(in batch 37 or soon after, none committed: "),
    ],
)
@pytest.mark.parametrize("status", [-11, 139])
def test_a_death_says_which_batches_it_may_be_of(status, cursor, where):
    watch = Watch(3, 0.0)
    watch.record(Claimed(shard=3, seq=4, cursor=cursor, total=90), 1.0)
    watch.record(beat("running", 0.0).model_copy(update={"processed": 37, "cursor": cursor}), 2.0)
    conclude(watch, status, SealSeen("none", cursor), stopping=False)
    assert where in watch.sentence
    early = Watch(3, 0.0)
    conclude(early, -11, SealSeen("none"), stopping=False)
    assert early.sentence.endswith("SIGSEGV: crash in native code, or a stack overflow")


def test_before_the_first_batch_the_start_bound_holds():
    watch = Watch(0, 0.0)
    watch.record(beat("starting", 99), 99.0)
    assert not watch.stalled(99.0, LIMITS)
    assert watch.stalled(101.0, LIMITS)


def test_the_start_bound_begins_behind_the_indexing_which_only_stalls_by_silence():
    watch = Watch(0, 0.0)
    for now in range(0, 500, 5):
        far = Indexed(done=now, total=500)
        watch.record(beat("indexing", 0).model_copy(update={"indexed": far}), now)
        assert not watch.stalled(now, LIMITS)
    assert watch.as_progress().indexed == Indexed(done=495, total=500)
    assert watch.as_progress().phase == "indexing"
    assert "stallSeconds" in watch.stalled(506.0, LIMITS)
    watch.record(beat("starting", 0), 500.0)
    assert not watch.stalled(599.0, LIMITS)
    assert "startSeconds" in watch.stalled(601.0, LIMITS)


def test_a_loop_that_stands_still_is_stalled_and_one_that_waits_for_storage_is_not():
    watch = Watch(0, 0.0)
    watch.record(beat("running", 11), 50.0)
    assert watch.stalled(50.0, LIMITS)
    watch.record(beat("storage", 500), 51.0)
    assert not watch.stalled(60.0, LIMITS)


def test_a_child_that_says_nothing_is_stalled_in_any_phase():
    watch = Watch(0, 0.0)
    watch.record(beat("storage", 0), 50.0)
    assert watch.stalled(61.0, LIMITS)


def test_a_child_that_was_asleep_with_us_is_not_blamed_for_that_time():
    watch = Watch(0, 0.0)
    watch.record(beat("running", 1), 50.0)
    # Ten minutes in which our clock stood, and the child's did not.
    watch.record(beat("running", 602), 51.0)
    assert not watch.stalled(58.0, LIMITS)
    assert watch.stalled(60.0, LIMITS)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ([], "before its first batch (timeouts.startSeconds = 100: raise it if"),
        ([beat("hook", 50)], "in phase hook (timeouts.stallSeconds = 10: raise it if"),
    ],
)
def test_a_stall_names_the_limit_that_was_passed(said, sentence):
    watch = Watch(3, 0.0)
    for message in said:
        watch.record(message, 101.0)
    watch.killed, watch.stall = "stalled", watch.stalled(101.0, LIMITS)
    conclude(watch, -9, SealSeen("none"), stopping=False)
    assert (watch.code, sentence in watch.sentence) == (86, True)


@pytest.mark.parametrize(
    ("said", "code", "sentence"),
    [(90, 90, "said it"), (None, 1, "the script of shard 3 has ended without sealing it")],
)
def test_a_child_that_outlives_its_script_is_judged_by_what_it_said(said, code, sentence):
    watch = Watch(3, 0.0)
    if said is not None:
        watch.record(Outcome(code=said, message="said it"), 1.0)
    watch.record(Ending(), 5.0)
    assert not watch.lingers(13.0)
    assert watch.lingers(13.1)
    watch.killed = "lingering"
    conclude(watch, -9, SealSeen("none"), stopping=False)
    assert (watch.code, watch.sentence) == (code, sentence)


def test_commits_move_the_cursor_and_reports_carry_the_claims_number():
    watch = Watch(5, 0.0)
    watch.record(Claimed(shard=5, seq=4, cursor=10, total=30), 1.0)
    watch.record(Committed(shard=5, seq=5, cursor=20), 2.0)
    assert (watch.as_end().cursor, watch.as_end().seq) == (20, 5)
    assert (watch.as_progress().cursor, watch.as_progress().seq) == (20, 4)


def test_the_grace_ends_three_seconds_early():
    pod = PodChildren(stop_since=100.0)
    assert not pod.grace_over(156.9, 60)
    assert pod.grace_over(157.0, 60)


@pytest.mark.parametrize(
    ("status", "begun", "code"), [(1, False, 91), (2, False, 91), (1, True, 1), (3, False, 1)]
)
def test_a_command_that_dies_before_the_call_can_never_work_unless_it_has_worked(
    status, begun, code
):
    watch = Watch(0, 0.0)
    conclude(watch, status, SealSeen("none", begun=begun), stopping=False)
    assert watch.code == code
    assert "before it called torch_batch_process" in watch.sentence
    greeted = Watch(0, 0.0)
    greeted.record(Hello(pid=7), 1.0)
    conclude(greeted, status, SealSeen("none", begun=begun), stopping=False)
    assert (greeted.code, "does it call" in greeted.sentence) == (1, True)


def test_bad_rows_are_those_of_the_shard_as_claim_and_commits_have_them():
    watch = Watch(3, 0.0)
    watch.record(Claimed(shard=3, seq=4, cursor=2, total=9, bad_rows=5), 1.0)
    assert (watch.as_end().bad_rows, watch.as_progress().bad_rows) == (5, 5)
    watch.record(Committed(shard=3, seq=5, cursor=4, bad_rows=7), 2.0)
    assert (watch.as_end().bad_rows, watch.as_progress().bad_rows) == (7, 7)


@pytest.mark.parametrize(
    ("processed", "first", "rows"),
    [
        (2, 40, "; batch 2 has rows 48 to 51, of which rows.skip leaves out some)"),
        (9, 40, "; batch 9 has rows 76 to 77, of which rows.skip leaves out some)"),
        (10, 40, "is committed last)"),
        (2, None, "is committed last)"),
    ],
)
def test_a_death_says_which_rows_the_batch_has_if_they_follow_one_another(processed, first, rows):
    watch = Watch(1, 0.0)
    shape = RunShape(rows=78, batch_size=4, batches=20)
    claimed = Claimed(shard=1, seq=1, cursor=0, total=10, run=shape, first_row=first)
    watch.record(claimed, 1.0)
    watch.record(beat("running", 0.0).model_copy(update={"processed": processed}), 2.0)
    conclude(watch, -9, SealSeen("none", 0), stopping=False)
    assert watch.sentence.endswith(rows)
