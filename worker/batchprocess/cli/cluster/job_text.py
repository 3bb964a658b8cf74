"""What people are told of a job's status, in the same words wherever it is shown. Pure."""

from datetime import datetime

from batchprocess.api.status import Condition, Status
from batchprocess.cli.output import duration, plural
from batchprocess.client.outcome import why
from batchprocess.client.snapshot import Snapshot
from batchprocess.kube.bad_news import STANDING, worst
from batchprocess.plain_text import plain

COLUMNS = ("NAME", "STATE", "PROGRESS", "SHARDS", "RATE", "ETA", "AGE", "REASON")


def columns(job: Snapshot, now: datetime) -> tuple[str, ...]:
    """The cells of `get`, as kubectl shows them."""
    status = job.status
    shown = status.display
    cells = (
        job.name,
        status.state or "Pending",
        *(
            ("", "", "", "")
            if shown is None
            else (shown.progress, shown.shards, shown.rate, shown.eta)
        ),
        age(job, now),
        "" if shown is None else shown.reason,
    )
    return tuple(plain(cell or "", 64) for cell in cells)


def age(job: Snapshot, now: datetime) -> str:
    """Since it was created."""
    try:
        created = datetime.fromisoformat(str(job.raw["metadata"].get("creationTimestamp")))
        return duration(max(0.0, (now - created).total_seconds()))
    except (ValueError, TypeError):
        return ""


def done_and_total(status: Status) -> tuple[int, int | None]:
    """Batches."""
    return (0, None) if status.batches is None else (status.batches.done, status.batches.total)


def left(status: Status, now: datetime) -> str:
    """`12 min left`; empty while nobody can say."""
    if status.eta is None or status.state != "Running":
        return ""
    try:
        seconds = (status.eta - now).total_seconds()
    except TypeError:
        return ""
    return f"{duration(max(1.0, seconds))} left"


def speed(status: Status) -> str:
    """`350 rows/s`."""
    return "" if status.rate is None or status.state != "Running" else f"{status.rate:.0f} rows/s"


def shard_counts(status: Status) -> str:
    """`38/64 shards complete, 8 running, 1 failed`."""
    shards = status.shards
    if shards is None:
        return ""
    parts = [f"{shards.succeeded}/{plural(shards.total, 'shard')} complete"]
    parts += [f"{shards.running} running"] if shards.running else []
    parts += [f"{shards.failed} failed"] if shards.failed else []
    return ", ".join(parts)


def line(status: Status, now: datetime) -> str:
    """All of it in one line, for logs."""
    done, total = done_and_total(status)
    batches = "" if status.batches is None else f"batches {done}/{'?' if total is None else total}"
    bad = f"{plural(status.bad_rows, 'bad row')}" if status.bad_rows else ""
    parts = (batches, shard_counts(status), speed(status), left(status, now), bad)
    told = ", ".join(part for part in parts if part)
    return f"{status.state or 'Pending'}{': ' if told else ''}{told}"


def news(status: Status) -> str:
    """What stands most in the job's way, as `Reason: sentence`; empty if nothing does."""
    found = worst(status.conditions, STANDING)
    return "" if found is None else sentence(found)


def sentence(told: Condition) -> str:
    """`Reason: sentence` of a condition, plain."""
    return plain(f"{told.reason}: {told.message}" if told.message else told.reason)


def end(name: str, status: Status) -> str:
    """How a job has ended."""
    if status.state == "Failed":
        return plain(f"{name} has failed: {why(status)}", 2048)
    left_out = f", {plural(status.bad_rows, 'bad row')} left out" if status.bad_rows else ""
    failed = status.shards.failed if status.shards is not None else 0
    closed = f", {plural(failed, 'shard')} failed" if failed else ""
    return f"{name} is {status.state}{closed}{left_out}"
