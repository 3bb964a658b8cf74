"""The list of jobs: a line for each, the newest first, filtered and a page at a time. Pure."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from urllib.parse import urlencode

from batchprocess.api.status import State
from batchprocess_operator.observe.stored_job import StoredJob
from batchprocess_operator.page.views import words
from batchprocess_operator.page.views.words import Moment

_LOG = logging.getLogger(__name__)
MAX_ROWS = 100
"""On one page."""
STATES = get_args(State)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as the list has it. `trouble`: why it failed, or what is in its way."""

    namespace: str
    name: str
    state: str
    trouble: str = ""
    percent: int = 0
    progress: str = ""
    shards: str = ""
    rate: str = ""
    left: str = ""
    created: Moment | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for: `find` in the name. `first`: the row that the page begins with."""

    namespace: str = ""
    state: str = ""
    find: str = ""
    first: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filter":
        """From a request's query; what is nonsense asks for nothing."""
        first = query.get("first", "")
        return cls(
            namespace=query.get("namespace", ""),
            state=query["state"] if query.get("state") in STATES else "",
            find=query.get("find", ""),
            first=int(first) if first.isascii() and first.isdigit() and len(first) < 7 else 0,
        )

    def at(self, first: int) -> str:
        """The address of another page of the same list."""
        asked = {"namespace": self.namespace, "state": self.state, "find": self.find}
        given = {name: value for name, value in asked.items() if value}
        given |= {"first": str(first)} if first > 0 else {}
        return f"/?{urlencode(given)}" if given else "/"

    def takes(self, job: StoredJob) -> bool:
        """Whether the job is asked for."""
        return (
            self.namespace in ("", job.namespace)
            and self.state in ("", job.figures.state)
            and self.find in job.name
        )


@dataclass(frozen=True, slots=True)
class JobList:
    """One page of it. `of`: how many are asked for, on all pages. Addresses are empty at an end."""

    rows: tuple[JobRow, ...]
    first: int
    of: int
    before: str
    after: str


def job_list(jobs: Iterable[StoredJob], asked: Filter, now: datetime) -> JobList:
    """Of the jobs that the viewer may see."""
    found = sorted(filter(asked.takes, jobs), key=_newest_first)
    first = min(asked.first, max(len(found) - 1, 0) // MAX_ROWS * MAX_ROWS)
    end = first + MAX_ROWS
    return JobList(
        rows=tuple(_row(job, now) for job in found[first:end]),
        first=first,
        of=len(found),
        before=asked.at(max(first - MAX_ROWS, 0)) if first else "",
        after=asked.at(end) if end < len(found) else "",
    )


def _newest_first(job: StoredJob) -> tuple[float, str, str]:
    return -(job.figures.created or 0.0), job.namespace, job.name


def _row(job: StoredJob, now: datetime) -> JobRow:
    try:
        return job_row(job, now)
    except Exception as error:  # noqa: BLE001
        # Whatever is wrong with one, the others are shown.
        _LOG.error("job %s/%s cannot be listed: a bug", job.namespace, job.name, exc_info=error)
        return JobRow(job.namespace, job.name, "Unknown", "the page has a fault")


def job_row(job: StoredJob, now: datetime) -> JobRow:
    """The line of one."""
    of = job.figures
    final = of.state in ("Complete", "CompleteWithFailures", "Failed")
    left = None if of.eta is None or final else max(of.eta - now.timestamp(), 0)
    total = words.count(of.all_batches) if of.all_batches else "?"
    return JobRow(
        namespace=job.namespace,
        name=job.name,
        state=of.state,
        trouble="" if of.state == "Complete" else words.text(of.failed or of.reason, 64),
        percent=100 if of.state == "Complete" else words.percent(of.batches, of.all_batches),
        progress=f"{words.count(of.batches)} of {total} batches",
        shards=f"{words.count(of.shards[0])}/{words.count(job.shards)}",
        rate="" if final else words.rate(of.rate),
        left=words.duration(left),
        created=words.moment(of.created, now),
    )
