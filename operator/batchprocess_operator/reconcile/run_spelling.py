"""Whether the `$` of a run's texts are doubled: all its pods must be given the same. Pure."""

from batchprocess.api.status import Status
from batchprocess.kube.pods.spelling import Spelling, as_written, literal
from batchprocess_operator.model.observed import Observed


def spelling_of_run(before: Status, observed: Observed) -> Spelling:
    """How the run's first Job was spelled; a run that has not begun gets its text as it is.

    run.json keeps what the first pod was given, and later ones must say the same, or end with 91.
    """
    if before.literal or any(child.literal for child in observed.children):
        return literal
    begun = bool(observed.children) or before.start_time is not None or before.retry > 0
    return as_written if begun else literal
