"""What tests of decisions look for in a plan, and children that many of them need."""

from batchprocess_operator.model.plan import CreateJob, PatchJob
from support.operator.objects import condition


def created(planned):
    return [action.name for action in planned.actions if isinstance(action, CreateJob)]


def patches(planned):
    return [dict(action.spec) for action in planned.actions if isinstance(action, PatchJob)]


def conditions(planned):
    return {one.type: (one.status, one.reason) for one in planned.status.conditions}


DONE = {"succeeded": 4, "completedIndexes": "0-3"}
FAILED_INDEX = {
    "succeeded": 3,
    "completedIndexes": "0-1,3",
    "failedIndexes": "2",
    "conditions": [condition("Failed", "FailedIndexes")],
}
