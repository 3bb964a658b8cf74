"""Events: what a person would want to know, each posted once, when it becomes so. Pure."""

from collections.abc import Iterator

from batchprocess.api.status import Status
from batchprocess.kube.bad_news import STANDING
from batchprocess.kube.index_ranges import format_ranges, parse_ranges
from batchprocess_operator.model.conditions import by_type, is_told_beside
from batchprocess_operator.model.job import FINAL, SUCCESSFUL, Job, was_finalizing
from batchprocess_operator.model.plan import Action, CreateJob, Event, GiveUpPod
from batchprocess_operator.model.words import counted, folded


def events_between(job: Job, after: Status) -> tuple[Event, ...]:
    """What has happened between the last status and this one."""
    return (
        *_milestones(job.before, after),
        *_state(job.before, after),
        *bad_news(job.before, after),
        *_failed_shards(job.before, after),
        *_retry(job, after),
    )


def _milestones(before: Status, after: Status) -> Iterator[Event]:
    """Of a job that does well. Each follows from two statuses, of which one is written once.

    So a restart repeats none, and there are eleven at most, however many shards there are.
    """
    if before.start_time is None and after.state == "Running":
        yield Event("Normal", "Started", "the first pod runs")
    batches, shards = after.batches, after.shards
    if after.state not in FINAL and batches is not None and _tenth(before) < _tenth(after) < 10:
        percent = 100 * batches.done // (batches.total or 1)
        of_shards = "" if shards is None else f", {shards.succeeded} of {shards.total} shards"
        done = f"{percent}%: {batches.done} of {batches.total} batches{of_shards}"
        yield Event("Normal", "Progress", done)
    if after.state == "Finalizing" and not was_finalizing(before):
        yield Event("Normal", "Finalizing", "no shard is left to work on: the run is made final")


def _tenth(status: Status) -> int:
    """Tenths of all batches that are committed; 0 until the dataset is counted."""
    batches = status.batches
    return 10 * batches.done // batches.total if batches is not None and batches.total else 0


def _state(before: Status, after: Status) -> Iterator[Event]:
    if before.state == after.state:
        return
    failed, complete = (by_type(after.conditions).get(kind) for kind in ("Failed", "Complete"))
    match after.state:
        case "Complete":
            yield Event("Normal", "Complete", f"{after.rows} rows in {after.output_uri}")
        case "CompleteWithFailures":
            why = "" if complete is None else f"; {complete.message}"
            yield _warning(after, "CompleteWithFailures", f"{after.rows} rows{why}")
        case "Failed" if failed is not None:
            yield _warning(after, failed.reason, failed.message)
        case "Suspended" | "Queued":
            workers = "workers commit and stop, or wait to be admitted"
            finalizer = "the finalizer waits to be admitted"
            yield Event("Normal", after.state, finalizer if was_finalizing(after) else workers)
        case "Running" if before.state in ("Suspended", "Queued"):
            yield Event("Normal", "Resumed", "workers go on where they stopped")


def bad_news(before: Status, after: Status) -> Iterator[Event]:
    """Conditions that have become bad, or are so for another reason."""
    old, new = by_type(before.conditions), by_type(after.conditions)
    for kind, status in STANDING:
        now, then = new.get(kind), old.get(kind)
        if now is None or now.status != status:
            continue
        failed = new.get("Failed")
        if kind == "Stalled" and failed is not None and failed.reason == now.reason:
            continue  # said of the state already
        if kind == "Progressing" and is_told_beside(after.conditions, now):
            continue
        if then is None or (then.status, then.reason) != (now.status, now.reason):
            yield _warning(after, now.reason, now.message)


def _warning(after: Status, reason: str, message: str) -> Event:
    """One with foreign words in it: they are the same with other ports, numbers and addresses."""
    return Event("Warning", reason, message, same=f"retry {after.retry}: {folded(message)}")


def _failed_shards(before: Status, after: Status) -> Iterator[Event]:
    fresh = parse_ranges(after.failed_shards) - parse_ranges(before.failed_shards)
    if fresh and after.state not in SUCCESSFUL:
        yield Event("Warning", "ShardFailed", f"shards {format_ranges(fresh)} have failed")


def events_of(action: Action) -> Iterator[Event]:
    """What to post once an action is done, whether or not the status changes by it."""
    match action:
        case GiveUpPod(name=name, node=node):
            yield Event("Warning", "PodGivenUp", f"{name}: node {node} is gone")
        case CreateJob(manifest={"spec": {"completions": pods}}):
            yield Event("Normal", "JobCreated", f"Job {action.name}, of {counted(pods, 'pod')}")


def _retry(job: Job, after: Status) -> Iterator[Event]:
    if after.retry <= job.before.retry:
        return
    if after.state in SUCCESSFUL and job.before.state in SUCCESSFUL:
        message = "spec.retry was raised, but the run is final: start another run"
        yield Event("Warning", "RetryRefused", message)
    else:
        again = f"spec.retry is {after.retry}: every shard that is not complete is worked on again"
        yield Event("Normal", "Retry", f"{again}, from its last commit")
