"""Which errors may be a row's own, so that the row can be left out, and what is kept of one."""

import re
import traceback
from typing import Literal, NamedTuple

from batchprocess.protocol.errors import BatchProcessError
from batchprocess.sdk.report.failure_facts import facts_of
from batchprocess.sdk.report.os_errors import chain_of, text_of
from batchprocess.sdk.report.torch_errors import is_machine_failure
from batchprocess.sdk.report.uncaught import without_our_frames

_MAX_TRACEBACK = 4_001
"""Of its end, in characters: what is kept of a bad row, and one more that shows that it was cut."""
_OF_ACCELERATOR = re.compile(
    r"(CUDA|CUDNN|CUBLAS|CUSOLVER|CUSPARSE|CUFFT|NVRTC|NCCL|HIP|MIOPEN)(_STATUS| \w* ?error)"
    r"|can't allocate memory|cannot allocate memory|not enough memory|out of memory",
    re.IGNORECASE,
)
"""What libraries below torch say in a RuntimeError of its own."""
Stage = Literal["reading", "collating", "process_batch"]


class BadRead(NamedTuple):
    """A row that raised, picklable. `line`: the innermost one of user code, `file:number`."""

    row: int
    stage: Stage
    kind: str
    message: str
    traceback: str
    line: str


def bad_read(error: BaseException, row: int, stage: Stage) -> BadRead:
    """What is kept of `error`; to be called where it is caught."""
    facts = facts_of(error)
    shown = traceback.format_exception(
        type(error), error, without_our_frames(error.__traceback__), chain=True
    )
    end = "".join(shown)[-_MAX_TRACEBACK:]
    return BadRead(row, stage, facts.kind, facts.said, end, facts.line)


def is_of_row(error: BaseException) -> bool:
    """Whether a row may be to blame: not a machine, a store, a network, memory or a GPU.

    In doubt it is not, for a row that is left out is lost: what an error was made from counts even
    where it is not named.
    """
    return isinstance(error, Exception) and not any(map(_is_of_machine, (error, *chain_of(error))))


def all_alike(found: list[BadRead]) -> bool:
    """Whether several have failed in one way at one line: the code's fault, not theirs."""
    return len(found) > 1 and len({(one.kind, one.line) for one in found}) == 1


def _is_of_machine(error: BaseException) -> bool:
    if isinstance(error, BatchProcessError) or not isinstance(error, Exception):
        return True
    if is_machine_failure(error) or facts_of(error).of_machine:
        return True
    return isinstance(error, RuntimeError) and _OF_ACCELERATOR.search(text_of(error)) is not None
