"""What the board for Grafana shows: queries over metrics of the operator, and what they mean."""

from dataclasses import dataclass

_OURS = '{job=~"$job"}'
_NAME = "{{job_namespace}}/{{job_name}}"
COLOURS = {
    "Pending": "yellow",
    "Queued": "orange",
    "Running": "green",
    "Finalizing": "purple",
    "Complete": "blue",
    "CompleteWithFailures": "super-light-red",
    "Failed": "red",
    "pending": "yellow",
    "running": "green",
    "succeeded": "blue",
    "failed": "red",
}
"""Of states of jobs and shards, by Grafana's names; the others have those of its palette."""


@dataclass(frozen=True)
class Panel:
    """One graph. `queries`: what to ask, and how its lines are called. `unit`: Grafana's word."""

    title: str
    meaning: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    stacked: bool = False


def _sum(metric: str, by: str = "") -> str:
    return f"sum{f' by ({by}) ' if by else ''}(batchprocess_{metric}{_OURS})"


def _of_jobs(metric: str) -> str:
    return f"max by (job_namespace, job_name) (batchprocess_job_{metric}{_OURS})"


def _rate(metric: str, by: str = "") -> str:
    counted = f"rate(batchprocess_{metric}{_OURS}[$__rate_interval])"
    return f"sum{f' by ({by}) ' if by else ''}({counted})"


def _share(part: str, whole: str) -> str:
    return f"topk(20, {_of_jobs(part)} / ({_of_jobs(whole)} > 0))"


def _look(share: float) -> str:
    return f"histogram_quantile({share}, {_rate('reconcile_seconds_bucket', 'le')})"


PANELS = (
    Panel(
        "Jobs",
        "Jobs that exist, by state; those that are complete are left out",
        "short",
        (
            (
                'sum by (state) (batchprocess_jobs{job=~"$job", state!~"Complete.*"}) > 0',
                "{{state}}",
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Ends of jobs",
        "Jobs that became final within an hour",
        "short",
        (
            (
                f"sum by (state) (increase(batchprocess_jobs_finished_total{_OURS}[1h]))",
                "{{state}}",
            ),
        ),
        stacked=True,
    ),
    Panel(
        "Failed and stalled",
        "Jobs that a person has to look at, by reason",
        "short",
        (
            (_sum("jobs_failed", "reason"), "failed: {{reason}}"),
            (_sum("jobs_stalled", "reason"), "stalled: {{reason}}"),
        ),
        stacked=True,
    ),
    Panel(
        "Rows a second",
        "Rows that are being committed, and by which jobs",
        "short",
        (
            (_sum("rows_per_second"), "all"),
            (f"topk(10, {_of_jobs('rows_per_second')} > 0)", _NAME),
        ),
    ),
    Panel(
        "Progress",
        "Committed batches as a share of all, of jobs that are not final",
        "percentunit",
        ((_share("batches_done", "batches"), _NAME),),
    ),
    Panel(
        "Shards",
        "Shards of the jobs that are not final",
        "short",
        ((_sum("shards", "state"), "{{state}}"),),
        stacked=True,
    ),
    Panel(
        "Waiting",
        "Age of the oldest job that is Pending or Queued",
        "s",
        ((f"max(batchprocess_oldest_waiting_job_seconds{_OURS})", "oldest"),),
    ),
    Panel(
        "Lost and left out",
        "Batches that were lost before they were committed, and bad rows that were left out",
        "short",
        ((_sum("lost_batches"), "lost batches"), (_sum("bad_rows"), "bad rows")),
    ),
    Panel(
        "Bad rows of what may be",
        "Bad rows as a share of maxBadRows: with more than all of them a job fails",
        "percentunit",
        ((_share("bad_rows", "bad_rows_limit"), _NAME),),
    ),
    Panel(
        "A look at a job",
        "How long one takes, and how late the next one is",
        "s",
        (
            (_look(0.5), "median"),
            (_look(0.99), "99 %"),
            (f"max(batchprocess_reconcile_overdue_seconds{_OURS})", "late"),
        ),
    ),
    Panel(
        "Looks and writes",
        "A second: looks that failed, statuses that were written, and that somebody had changed",
        "ops",
        (
            (_rate("reconcile_errors_total"), "failed looks"),
            (_rate("status_writes_total", "result"), "status {{result}}"),
        ),
    ),
    Panel(
        "Answers to workers",
        "Answers of the progress endpoint a second, by code",
        "reqps",
        ((_rate("report_requests_total", "code"), "{{code}}"),),
        stacked=True,
    ),
)
