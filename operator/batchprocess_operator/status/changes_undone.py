"""What somebody else does to a child: undoes our changes, deletes it; who, what helps. Pure."""

from collections.abc import Iterable

from batchprocess.api.status import Condition
from batchprocess.kube.names import LABEL_JOB_UID
from batchprocess_operator.model.conditions import Fact, by_type
from batchprocess_operator.model.names import MADE
from batchprocess_operator.model.observed import ChildJob, Observed

CHANGES_UNDONE = "ChangesUndone"
JOB_DELETED = "JobBeingDeleted"
_NOBODY = "a mutating webhook, or a client that cannot be told"


def changes_undone(before: Iterable[Condition], observed: Observed) -> list[Fact]:
    """Stalled, as long as somebody undoes it; `before`: conditions as last written."""
    if not observed.undone:
        return []
    name, fields = min(observed.undone.items())
    others = len(observed.undone) - 1
    more = f"; {others} more" if others else ""
    if MADE in fields:
        message = f"Job {name} is deleted again and again, or its pods: find out by whom{more}"
        return [Fact("Stalled", True, CHANGES_UNDONE, message)]
    what = " and ".join(f"spec.{one}" for one in fields)
    verb = "is" if len(fields) == 1 else "are"
    head = f"{what} of Job {name} {verb} set back each time by "
    who = _managers(observed, name, fields)
    said = by_type(before).get("Stalled")
    if not who and said is not None and said.message.startswith(head):
        # Just set by us: whoever has set it back before is not named in the Job any more.
        return [Fact("Stalled", True, CHANGES_UNDONE, said.message)]
    message = f"{head}{who or _NOBODY}{more}; {_help(fields)}"
    return [Fact("Stalled", True, CHANGES_UNDONE, message)]


def being_deleted(child: ChildJob | None) -> list[Fact]:
    """Stalled, as long as a Job that is not over is on its way out: it gets no pod any more."""
    if child is None or child.ended or child.kept_by is None:
        return []
    keepers = ", ".join(child.kept_by)
    kept = f", which its finalizers keep it from ({keepers})" if keepers else ""
    message = (
        f"Job {child.name} is being deleted{kept}: no pod of it is started any more, and another "
        "Job is made once it is gone"
    )
    return [Fact("Stalled", True, JOB_DELETED, message)]


def _managers(observed: Observed, name: str, fields: Iterable[str]) -> str:
    found = {
        f'"{child.managers[one]}"'
        for child in observed.children
        for one in fields
        if child.name == name and one in child.managers
    }
    return " and ".join(sorted(found))


def _help(fields: Iterable[str]) -> str:
    leave = f"have it leave Jobs with label {LABEL_JOB_UID} alone"
    return f"{leave}, or create the job with spec.queueName" if "suspend" in fields else leave
