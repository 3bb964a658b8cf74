"""The stages of an attempt, and the one table of what an exception at each of them means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from batchprocess.protocol.exit_codes import ExitCode

Stage = Literal[
    "the dataset",
    "__init__",
    "start",
    "on_start",
    "reading a batch",
    "process_batch",
    "on_checkpoint_start",
    "on_finish",
    "commit",
    "reduce",
]


class Fault(Enum):
    """Whose fault an exception is that is none of our own errors."""

    JOB = "the job's: until an attempt has begun, no node can be expected to do better"
    USER_CODE = "the user's code or data"
    UNKNOWN = "unknown: another node may do better"


@dataclass(frozen=True)
class Meaning:
    """What an exception means that is none of our own errors.

    at_first: the exit code while no attempt of the run has ever begun; later: once one has, so
    that the same call is known to have worked somewhere. on_machine_failure: the exit code if the
    machine is the likely cause, None if that makes no difference. of_shard: whether it concerns
    our shard, not the whole run.
    """

    fault: Fault
    at_first: ExitCode
    later: ExitCode
    on_machine_failure: ExitCode | None = None
    of_shard: bool = True


_JOB = Meaning(Fault.JOB, ExitCode.CANNOT_WORK, ExitCode.OTHER)
_USER_CODE = Meaning(
    Fault.USER_CODE, ExitCode.USER_CODE, ExitCode.USER_CODE, on_machine_failure=ExitCode.OTHER
)
_UNKNOWN = Meaning(Fault.UNKNOWN, ExitCode.OTHER, ExitCode.OTHER)

MEANINGS: Mapping[Stage, Meaning] = {
    "the dataset": _JOB,
    "__init__": _JOB,
    "start": _UNKNOWN,
    "on_start": _JOB,
    "reading a batch": _USER_CODE,
    "process_batch": _USER_CODE,
    "on_checkpoint_start": _USER_CODE,
    "on_finish": _USER_CODE,
    "commit": _USER_CODE,
    "reduce": Meaning(Fault.UNKNOWN, ExitCode.OTHER, ExitCode.OTHER, of_shard=False),
}
