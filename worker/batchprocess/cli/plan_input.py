"""What `plan` shows of the files that rows come from, and what it warns of in them."""

from collections.abc import Iterator

from batchprocess.api.job import BatchProcessJob
from batchprocess.cli.output import byte_size, plural
from batchprocess.protocol.inputs.summary import InputSummary, PackedHeads

MANY_BYTES = 16 << 20
"""Unpacked only to come to a first row: less is not worth a word."""


def lines(summary: InputSummary | None) -> Iterator[str]:
    """For a person, a line each."""
    if summary is None:
        return
    yield f"input: {plural(summary.files, 'file')}, {byte_size(summary.bytes)}"
    for one in summary.sample:
        yield f"row {one.row}, {one.id}: {one.text}"


def warnings(job: BatchProcessJob, summary: InputSummary | None) -> Iterator[str]:
    """A sentence for each thing that is odd about the files."""
    if summary is None:
        return
    for one in summary.unreadable:
        yield f"{one.file} cannot be read ({one.error})"
    if summary.unreadable and summary.looked < summary.files:
        yield f"only {summary.looked} of {plural(summary.files, 'file')} were looked into"
    if summary.unreadable and job.spec.failure_policy.on_bad_row == "fail":
        yield (
            "the run would fail there: mend these files, or have rows that fail left out "
            "(failurePolicy: {onBadRow: skip})"
        )
    for name in summary.empty:
        yield (
            f"no row that was looked at has a value in the column {name!r}: is its name spelled as "
            "in the files?"
        )
    if summary.packed is not None and summary.packed.most >= MANY_BYTES:
        yield _of_heads(summary.packed)


def _of_heads(packed: PackedHeads) -> str:
    files = plural(packed.files, "packed file")
    return (
        f"{files} can be read from the begin alone: a process unpacks up to "
        f"{byte_size(packed.most)} before its first row, all together {byte_size(packed.total)}; "
        f"cut shards by file (shards: {packed.files}), with few loader processes, or pack the "
        "files anew, in many members (bgzip)"
    )
