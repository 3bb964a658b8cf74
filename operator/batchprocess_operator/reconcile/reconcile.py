"""`reconcile(job, observed, now) -> Plan`: pure, synchronous, safe to run twice or late."""

from datetime import datetime

from batchprocess_operator.model.job import FINAL, Decision, Job
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.model.plan import Plan
from batchprocess_operator.observe.shards import Shards, read_shards
from batchprocess_operator.reconcile.decide import decide
from batchprocess_operator.reconcile.pod_recovery import Recovery, recover_pods
from batchprocess_operator.status.current_conditions import current_facts
from batchprocess_operator.status.events import events_between
from batchprocess_operator.status.messages.outbox import due_again, with_messages
from batchprocess_operator.status.status import build_status, is_urgent

_RECHECK_SECONDS = 15.0
"""While pods run: stalls, stuck pods and lost nodes show without any event. And while a child
is refused: no event comes when a quota or a right is granted."""


def reconcile(job: Job, observed: Observed, now: datetime) -> Plan:
    """What to do about one job, and what to say of it."""
    shards = read_shards(job.body, job.before, observed)
    decision = decide(job, observed, shards, now)
    try:
        return _told(job, observed, shards, decision, now)
    except Exception as error:  # noqa: BLE001
        # A fault in what is said: whoever suspends a job waits for what is done.
        return Plan(decision.actions, job.before, False, (), _RECHECK_SECONDS, error)


def _told(job: Job, observed: Observed, shards: Shards, decision: Decision, now: datetime) -> Plan:
    """The decision with the recovery of pods, status and events."""
    final = decision.state in FINAL
    recovery = Recovery() if final else _recovery(job, observed, now)
    facts = [*current_facts(job, observed, shards, decision, now), *recovery.facts]
    built = build_status(job, observed, shards, decision, facts, now)
    notify, told = job.body.spec.notify, observed.notified
    status = with_messages(notify, job.identity, job.before, built, told, now)
    due = [*decision.due, *recovery.due, *due_again(status, now)]
    child = decision.child
    running = child is not None and (not child.suspend or observed.has_live_pods(child))
    if not final and (running or decision.blocked is not None):
        due.append(_RECHECK_SECONDS)
    return Plan(
        actions=(*decision.actions, *recovery.actions),
        status=status,
        urgent=is_urgent(job.before, status),
        events=events_between(job, status),
        requeue_after=min(due, default=None),
    )


def _recovery(job: Job, observed: Observed, now: datetime) -> Recovery:
    going = (child for child in observed.children if not child.ended)
    return recover_pods(observed, going, job.body.spec.failure_policy.lost_node_seconds, now)
