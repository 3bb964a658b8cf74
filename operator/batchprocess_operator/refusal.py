"""A child that the API server does not take, ever or for now. Pure."""

from batchprocess_operator.job import Decision
from batchprocess_operator.observed import Reason

NAME_CONFLICT = "NameConflict"


def refused(why: Reason) -> Decision:
    """Another's object of our child's name can go away; a manifest that is refused stays so."""
    if why.reason == NAME_CONFLICT:
        return Decision("Pending", blocked=why)
    return Decision("Failed", failure=why)
