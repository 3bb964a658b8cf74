"""`reconcile(job, observed, now) -> Plan`: pure, synchronous, safe to run twice or late."""

from datetime import datetime

from batchprocess_operator.model.job import FINAL, Job
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.model.plan import Plan
from batchprocess_operator.observe.shards import look_at_shards
from batchprocess_operator.reconcile.decide import decide
from batchprocess_operator.reconcile.pod_recovery import Upkeep, tend
from batchprocess_operator.status.current_conditions import facts_of
from batchprocess_operator.status.events import events_between
from batchprocess_operator.status.status import build_status, is_urgent

_LOOK_AGAIN_SECONDS = 15.0
"""While pods are at it: stalls, stuck pods and lost nodes show without any event. And while a child
is refused: nobody tells when a quota or a right is granted."""


def reconcile(job: Job, observed: Observed, now: datetime) -> Plan:
    """What to do about one job, and what to say of it."""
    shards = look_at_shards(job.body, job.before, observed)
    decision = decide(job, observed, shards, now)
    final = decision.state in FINAL
    upkeep = (
        Upkeep()
        if final
        else tend(
            observed,
            (child for child in observed.children if not child.ended),
            job.body.spec.failure_policy.lost_node_seconds,
            now,
        )
    )
    facts = [*facts_of(job, observed, shards, decision, now), *upkeep.facts]
    status = build_status(job, observed, shards, decision, facts, now)
    due = [*decision.due, *upkeep.due]
    at_it = decision.child is not None and not decision.child.suspend
    if not final and (at_it or decision.blocked is not None):
        due.append(_LOOK_AGAIN_SECONDS)
    return Plan(
        actions=(*decision.actions, *upkeep.actions),
        status=status,
        urgent=is_urgent(job.before, status),
        events=events_between(job, status),
        requeue_after=min(due, default=None),
    )
