"""Sentences and tracebacks for what user code raises."""

import traceback
from pathlib import Path

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.report import error_report
from batchprocess.sdk.report.error_report import Where, without_our_frames

OURS = str(Path(error_report.__file__).with_name("x.py"))


def test_a_failing_reducer_is_of_no_shard():
    where = Where(shard=0, stage="reduce")
    assert where.sentence(ZeroDivisionError("by zero")) == (
        "reduce raised ZeroDivisionError: by zero"
    )


def test_a_failing_batch_names_its_rows_and_one_before_any_batch_its_shard():
    where = Where(shard=1, stage="process_batch", batch=1, plan=ShardPlan(20, 2, 2))
    assert where.sentence(KeyError("a")) == (
        "process_batch raised KeyError: 'a' (batch 1 of shard 1, rows 12 to 13)"
    )
    assert Where(shard=1, stage="__init__").sentence(KeyError("a")).endswith("(shard 1)")


def test_an_error_of_a_loader_process_is_one_line():
    text = (
        "Caught ValueError in DataLoader worker process 0.\n"
        "Original Traceback (most recent call last):\n"
        '  File "x.py", line 1, in f\n'
        "ValueError: row 7 is broken\n"
    )
    where = Where(shard=0, stage="reading a batch", batch=3, plan=ShardPlan(20, 2, 1))
    assert where.sentence(ValueError(text)) == (
        "reading a batch raised ValueError: row 7 is broken (in a loader process) "
        "(batch 3 of shard 0, rows 6 to 7)"
    )


def calls(*frames: tuple[str, str]) -> list[str]:
    """Functions in the traceback that is left when each of these, by file, calls the next."""
    scope: dict[str, object] = {}
    below = "1 / 0"
    for name, file in reversed(frames):
        exec(compile(f"def {name}():\n    {below}", file, "exec"), scope)
        below = f"{name}()"
    try:
        scope[frames[0][0]]()
    except ZeroDivisionError as error:
        left = without_our_frames(error.__traceback__.tb_next)
        return [one.name for one in traceback.extract_tb(left)]
    raise AssertionError


def test_a_traceback_shows_the_users_calls_and_where_we_refused():
    script, hook = (("script", "u.py"), ("hook", "u.py"))
    loop, save = (("loop", OURS), ("save", OURS))
    assert calls(script, loop, hook) == ["script", "hook"]
    assert calls(script, loop, hook, save) == ["script", "hook", "save"]
    # No user code was called: the fault is ours, or in the way we were called.
    assert calls(script, loop) == ["script", "loop"]
    assert calls(loop) == ["loop"]
