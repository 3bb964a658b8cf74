"""A child that the API server does not take, ever or for now. Pure."""

from batchprocess.api.status import State
from batchprocess_operator.model.job import Decision
from batchprocess_operator.model.observed import Reason
from batchprocess_operator.model.reasons import NAME_CONFLICT, NOT_ALLOWED


def refused(why: Reason, state: State) -> Decision:
    """Another's object can go away and a right be granted; an invalid manifest stays invalid."""
    if why.reason in (NAME_CONFLICT, NOT_ALLOWED):
        return Decision(state, blocked=why)
    return Decision("Failed", failure=why)
