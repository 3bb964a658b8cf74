"""What a person is told of files that have come, gone or changed since a run has listed them."""

from collections.abc import Iterator

from batchprocess.cli.output import plural
from batchprocess.ledger.run import ANOTHER
from batchprocess.protocol.dry_run import DryRunAnswer, InputChanges
from batchprocess.protocol.run import RunInfo


def sentences(found: InputChanges | None, new_since: str | None = None) -> Iterator[str]:
    """One for files that the run has no part in, one for files that it can no longer read.

    new_since: the run's id, where a job can be asked for what has come since.
    """
    if found is None:
        return
    if found.added:
        files = plural(found.added, "input file")
        yield (
            f"{files} that the run has not listed: they are no part of it; "
            f"{_way_to_process(new_since)}{_such_as(found)}"
        )
    if found.changed or found.missing:
        yield (
            f"of the input that the run has listed {plural(found.changed, 'file')} changed and "
            f"{found.missing} gone: its rows of these cannot be read again; put them back, or "
            f"start another run ({ANOTHER}){_such_as(found)}"
        )


def _way_to_process(new_since: str | None) -> str:
    all_of_it = f"start another run ({ANOTHER})"
    if new_since is None:
        return f"to process them {all_of_it}"
    return (
        f"to process these alone: batchprocess run --new-since {new_since}; to process everything, "
        f"{all_of_it}"
    )


def as_the_run_reads_it(answer: DryRunAnswer, stored: RunInfo) -> RunInfo:
    """What an attempt of that run would compare: its rows are those of the run's own listing."""
    found = answer.input
    if found is None or not (found.added or found.changed or found.missing):
        return answer.run
    return answer.run.model_copy(update={"rows": stored.rows})


def _such_as(found: InputChanges) -> str:
    return "" if found.first is None else f"; the first: {found.first}"
