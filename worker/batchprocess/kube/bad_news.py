"""What stands in a job's way, for the command line and the columns of `kubectl get`. Pure."""

from collections.abc import Iterable

from batchprocess.api.status import Condition

FAILED = ("Failed", "True")
BAD_NEWS = (
    FAILED,
    ("Stalled", "True"),
    ("NameConflict", "True"),
    ("WaitingForNode", "True"),
    ("PodsStarting", "False"),
    ("Progressing", "False"),
    ("PodsFailed", "True"),
    ("MetricsReduced", "False"),
    ("Degraded", "True"),
    ("UnknownFields", "True"),
    ("SourceChanged", "True"),
    ("BadRows", "True"),
    ("NotificationsFailed", "True"),
)
"""Type and status of each; what stands most in a job's way comes first."""
STANDING = tuple(kind for kind in BAD_NEWS if kind != FAILED)
"""What can be said of a job that goes on."""


def worst(
    conditions: Iterable[Condition], kinds: Iterable[tuple[str, str]] = BAD_NEWS
) -> Condition | None:
    """The condition that stands most in the job's way; None if none does."""
    told = {(one.type, str(one.status)): one for one in conditions}
    return next((told[kind] for kind in kinds if kind in told), None)
