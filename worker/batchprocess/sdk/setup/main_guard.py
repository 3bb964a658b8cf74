"""Scripts without a main guard: every process that `spawn` starts would run the whole job again."""

import ast
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.input.loader import context_of
from batchprocess.sdk.input.queues.multiprocessing_private import is_starting_child
from batchprocess.sdk.report.uncaught import print_plainly_if_uncaught

_CONDITIONS = (ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.While)


def refuse_call_of_starting_child(function: str) -> None:
    """Raise InvalidArgument in a child that reads its parent's script, and so calls `function`."""
    if not is_starting_child():
        return
    error = InvalidArgument(
        f"{function} was called while multiprocessing (spawn, forkserver) read this script for a "
        'child process: put the call below `if __name__ == "__main__":`, which is not true there'
    )
    print_plainly_if_uncaught(error, reported=False)
    raise error


def require_guard_for_workers(options: Mapping[str, Any]) -> None:
    """Raise InvalidArgument if a loader's workers would come upon the call that starts them.

    Before any is started: each would say so by itself, and the loader only that they have died.
    """
    context = context_of(options)
    method = context if isinstance(context, str | None) else context.get_start_method()
    if not options.get("num_workers") or method in (None, "fork"):
        return
    if (line := _line_in_script()) is not None and not _has_condition(*line):
        raise InvalidArgument(
            f"loader processes that are started by {method!r} read {line[0]} again: put line "
            f'{line[1]} below `if __name__ == "__main__":`, which is not true there'
        )


def _line_in_script() -> tuple[str, int] | None:
    """File and line at which the script stands now; None if its file is not read again."""
    script = sys.modules["__main__"]
    name, frame = getattr(script, "__file__", None), inspect.currentframe()
    while frame is not None and (
        frame.f_globals is not script.__dict__ or frame.f_code.co_name != "<module>"
    ):
        frame = frame.f_back
    return None if frame is None or name is None else (name, frame.f_lineno)


def _has_condition(name: str, line: int) -> bool:
    """Whether the call there depends on anything, whatever that is; unknown is yes."""
    try:
        script = ast.parse(Path(name).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    conditions = (one for one in ast.walk(script) if isinstance(one, _CONDITIONS))
    return any(one.lineno <= line <= (one.end_lineno or line) for one in conditions)
