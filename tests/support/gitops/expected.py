"""What tools of GitOps are to make of each state, whoever asks: a model of them, or their code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """Words of `argo`, `kstatus`, `flux`; of Argo CD also `message`, in part, and `actions`."""

    argo: str
    message: str
    actions: frozenset[str]
    kstatus: str
    flux: str


def _row(argo: str, message: str, actions: str, kstatus: str, flux: str) -> Expected:
    return Expected(argo, message, frozenset(actions.split()), kstatus, flux)


NOT_YET = "has not looked"
EXPECTED = {
    "new": _row("Progressing", NOT_YET, "suspend", "InProgress", "InProgress"),
    "created": _row("Progressing", "Pending", "suspend", "InProgress", "InProgress"),
    "pending": _row("Progressing", "Pending", "suspend", "Current", "InProgress"),
    "unschedulable": _row(
        "Progressing", "Unschedulable: 1 pod: 0/3 nodes", "suspend", "Current", "InProgress"
    ),
    "indexing": _row("Progressing", "Running", "suspend", "Current", "InProgress"),
    "running": _row("Progressing", "batches", "suspend", "Current", "InProgress"),
    "silent": _row("Progressing", "Stalled: ", "suspend", "Current", "InProgress"),
    "failing": _row("Progressing", "Running", "suspend", "Current", "InProgress"),
    "edited": _row("Progressing", NOT_YET, "suspend", "InProgress", "InProgress"),
    "suspending": _row("Progressing", "Running", "resume", "Current", "InProgress"),
    "suspended": _row("Suspended", "Suspended", "resume", "Current", "InProgress"),
    "scaled to zero": _row("Suspended", "Pending", "suspend", "Current", "InProgress"),
    "queued": _row("Progressing", "Queued", "", "Current", "InProgress"),
    "undone": _row("Degraded", "ChangesUndone: ", "suspend", "Failed", "Failed"),
    "deleted each time": _row("Degraded", "ChangesUndone: ", "suspend", "Failed", "Failed"),
    "name taken": _row("Degraded", "NameConflict: ", "suspend", "InProgress", "InProgress"),
    "data lost": _row("Degraded", "DataLoss: ", "suspend", "Current", "InProgress"),
    "finalizing": _row("Progressing", "Finalizing", "suspend", "Current", "InProgress"),
    "complete": _row("Healthy", "Finished: ", "", "Current", "Current"),
    "complete with failures": _row("Healthy", "FinishedWithFailures: ", "", "Current", "Current"),
    "shards failed": _row("Degraded", "ShardsFailed: ", "retry", "Failed", "Failed"),
    "deadline": _row("Degraded", "DeadlineExceeded: too long", "retry", "Failed", "Failed"),
    "retried": _row("Progressing", NOT_YET, "", "InProgress", "InProgress"),
    "deleting": _row("Progressing", "Pending deletion", "", "Terminating", "InProgress"),
}
