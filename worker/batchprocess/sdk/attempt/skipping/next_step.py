"""What follows from rows of a batch that were tried alone in a process whose results are dropped.

Pure. Only the first row that raises in a process is known to be bad: others behind it may raise for
what it has left behind.
"""

from collections.abc import Sequence
from itertools import takewhile

from batchprocess.protocol.bad_rows.isolation import MAX_ROWS, Isolate
from batchprocess.sdk.attempt.skipping.another_process import as_read, as_told
from batchprocess.sdk.attempt.skipping.rows_alone import REMEDY, Tried, all_fail_alike
from batchprocess.sdk.report.row_errors import BadRead, all_alike


def next_step(order: Isolate, tried: Sequence[Tried], rows: int, attempt: str) -> Isolate | str:
    """What `attempt` asks for behind `order`, or why no row is to blame.

    tried: of the first ones of `rows` rows that were not known to be bad.
    """
    proven, all_found = _proven(tried), [bad for one in tried for bad in one.bad]
    every = [*map(as_read, order.bad), *all_found]
    if not proven:
        if len(order.bad) > order.error.without:
            return order.then(attempt, "process")
        return f"each of its{' other' if order.bad else ''} rows alone can be processed"
    if len(all_found) == rows and all_alike(every):
        return all_fail_alike(len(every))
    if len(order.bad) + len(proven) > MAX_ROWS:
        return f"more than {MAX_ROWS} of its rows are bad: {REMEDY}"
    done = len(proven) == len(all_found) and len(tried) == rows
    return order.then(attempt, "process" if done else "try", map(as_told, proven))


def _proven(tried: Sequence[Tried]) -> list[BadRead]:
    """Those up to the first that has raised."""
    before = list(takewhile(lambda one: not one.raised, tried))
    return [bad for one in tried[: len(before) + 1] for bad in one.bad]
