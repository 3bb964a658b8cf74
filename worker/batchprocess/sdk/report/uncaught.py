"""What a person sees of an error that nobody catches: one sentence, or the user's own calls."""

import sys
from collections.abc import Iterable, Iterator
from importlib.resources import files
from types import TracebackType

from batchprocess.protocol.errors import BatchProcessError, EndedByUserCode
from batchprocess.sdk.report.failure_facts import facts_of

_OURS = f"{files(__name__.partition('.')[0])}/"


def print_plainly_if_uncaught(error: BaseException, *, reported: bool) -> None:
    """Print the sentence alone if `error` is one of ours, else the user's part of the traceback.

    Nothing if it is caught. `reported`: an agent has the sentence, and will print it.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        if value is not error:
            before(kind, value, trace)
            return
        users = error.__cause__ if isinstance(error, EndedByUserCode) else error
        if users is not None and not isinstance(users, BatchProcessError):
            # The interpreter prints the error's own traceback, whichever it is given.
            shown = users.with_traceback(_as_users_see_it(users))
            before(type(shown), shown, shown.__traceback__)
        if isinstance(error, BatchProcessError) and not reported:
            print(value, file=sys.stderr)  # noqa: T201  in place of the interpreter's own print

    sys.excepthook = hook


def _as_users_see_it(error: BaseException) -> TracebackType | None:
    if facts_of(error).loader_process:  # whose own calls are in the text
        return _linked(one for one in _frames(error.__traceback__) if not _is_ours(one))
    return without_our_frames(error.__traceback__)


def without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    """The calls of a traceback but those of this package through which user code was called.

    All of it if no user code was: the fault is here then.
    """
    frames = list(_frames(trace))
    users = [number for number, one in enumerate(frames) if not _is_ours(one)]
    called = next((number for number, one in enumerate(frames) if _is_ours(one)), len(frames))
    if not users or users[-1] < called:
        return trace
    return _linked(one for at, one in enumerate(frames) if at > users[-1] or not _is_ours(one))


def _linked(frames: Iterable[TracebackType]) -> TracebackType | None:
    linked = None
    for one in reversed(list(frames)):
        linked = TracebackType(linked, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return linked


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_ours(one: TracebackType) -> bool:
    return one.tb_frame.f_code.co_filename.startswith(_OURS)
