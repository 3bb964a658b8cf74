"""Tracebacks show the user's calls, not those of this package through which they were made."""

import traceback
from pathlib import Path

from batchprocess.sdk.report import uncaught
from batchprocess.sdk.report.uncaught import without_our_frames

OURS = str(Path(uncaught.__file__).with_name("x.py"))


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
