"""What reports say of an exception, taken where it was raised: in a loader process most is lost."""

import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from types import TracebackType

from batchprocess.sdk.report.os_errors import text_of
from batchprocess.sdk.report.torch_errors import is_machine_failure, loader_process_message

_ATTRIBUTE = "_batchprocess_facts"
_MAX_CHARACTERS = 1_000
_OURS = f"{files(__name__.partition('.')[0])}/"
_LIBRARIES = tuple(
    f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


@dataclass(frozen=True)
class Facts:
    """Picklable. kind: the class's name. said: the message as one line. of_machine: whether the
    machine is the likely cause. line: `file:number` of the innermost line of user code. row: the
    dataset-wide number of the item that failed, None if it was none, or nobody knows which.
    """

    kind: str
    said: str
    of_machine: bool
    line: str
    row: int | None = None
    loader_process: bool = False


def facts_of(error: BaseException) -> Facts:
    """What was noted where `error` was raised, else what can be seen now."""
    noted = error.__dict__.get(_ATTRIBUTE)
    if not isinstance(noted, Facts):
        return observe(error)
    # Noted before it was raised, perhaps.
    return noted if noted.line else replace(noted, line=line_of(error.__traceback__))


def observe(error: BaseException, *, row: int | None = None, loader_process: bool = False) -> Facts:
    """To be called where `error` is caught first."""
    kind, line = type(error).__name__, line_of(error.__traceback__)
    if not line and row is not None:
        # Of our readers: a row that one of them cannot read is the same at every attempt.
        line = "".join(f"{name}:{number}" for name, number in [*_lines(error.__traceback__)][-1:])
    return Facts(kind, _one_line(error), is_machine_failure(error), line, row, loader_process)


def note(error: BaseException, facts: Facts) -> BaseException:
    """`error`, with what `facts_of` is to say of it."""
    error.__dict__[_ATTRIBUTE] = facts  # a class of the user's may refuse attributes
    return error


def encodable(text: str) -> str:
    """`text`, with escapes for what UTF-8 cannot hold: a path may have bytes that are no text."""
    return text.encode(errors="backslashreplace").decode()


def line_of(trace: TracebackType | None) -> str:
    """The innermost line outside this package and, if there is any, outside libraries."""
    lines = [(name, number) for name, number in _lines(trace) if not name.startswith(_OURS)]
    users = [one for one in lines if not one[0].startswith((*_LIBRARIES, "<"))]
    found = (users or lines)[-1:]
    return "".join(f"{name}:{number}" for name, number in found)


def _lines(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _one_line(error: BaseException) -> str:
    """What `error` says, as one line: the whole of it stands above, in the traceback."""
    lines = [line.strip() for line in text_of(error).splitlines() if line.strip()]
    message = loader_process_message(lines)
    if message is not None:
        return f"{encodable(message)} (in a loader process)"
    text = encodable(" / ".join(lines))
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
