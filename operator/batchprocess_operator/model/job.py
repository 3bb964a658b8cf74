"""What is reconciled, and what is decided about it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.status import Condition, State, Status
from batchprocess.protocol.termination import Result
from batchprocess_operator.model.conditions import by_type
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.observed import ChildJob, Reason
from batchprocess_operator.model.plan import Action
from batchprocess_operator.model.reasons import FINALIZER_HELD
from batchprocess_operator.model.report_address import ReportAddress

FINAL = frozenset({"Complete", "CompleteWithFailures", "Failed"})
SUCCESSFUL = frozenset({"Complete", "CompleteWithFailures"})


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field of the object that the CRD of a newer release has. `path`: keys, and list indexes."""

    path: tuple[str | int, ...]
    value: Any

    @property
    def name(self) -> str:
        """As people write it: spec.worker.colour."""
        return ".".join(map(str, self.path))


@dataclass(frozen=True, slots=True)
class Job:
    """What is reconciled: the object, its identity and its status as last written.

    `refusal`: why no worker can be made for it, ever; empty for most. `unknown`: fields that
    `body` lacks. `unsure`: why nothing may be begun because of them; empty if it may.
    """

    body: BatchProcessJob
    identity: JobIdentity
    before: Status
    report_address: ReportAddress | None = None
    refusal: str = ""
    unknown: tuple[UnknownField, ...] = ()
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`failure`: why a failed job failed. `blocked`: what keeps a pending one from beginning.

    `later`: why the finalizer would be refused. `result`: what the finalizer reported. `due`:
    seconds until more is to be decided. `child`: the one that the state is about.
    """

    state: State
    actions: tuple[Action, ...] = ()
    failure: Reason | None = None
    blocked: Reason | None = None
    later: Reason | None = None
    result: Result | None = None
    child: ChildJob | None = None
    due: tuple[float, ...] = field(default=())

    def retry(self, job: Job) -> int:
        """The retry that the state is about: one that was asked for in mid-run waits its turn."""
        asked = job.body.spec.retry if self.child is None else self.child.retry
        return max(asked, job.before.retry)


def was_finalizing(before: Status) -> bool:
    """Whether the status was about a finalizer; it is Queued while one waits for Kueue."""
    held = by_type(before.conditions).get("Suspended")
    queued = held is not None and held.status == "True" and held.reason == FINALIZER_HELD
    return before.state == "Finalizing" or queued


def said_about(before: Status, child: ChildJob) -> Mapping[str, Condition]:
    """Conditions as last written, if they were about this child."""
    same = before.retry == child.retry and was_finalizing(before) == (child.role == "finalizer")
    return by_type(before.conditions) if same else {}
