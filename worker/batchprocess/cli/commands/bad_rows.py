"""`batchprocess results --errors`."""

import sys
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from batchprocess.cli.output import print_json_list
from batchprocess.cli.target import find_target
from batchprocess.protocol.bad_rows.bad_row import BadRow, clean
from batchprocess.runs.bad_rows.of_run import CommittedBadRow, bad_rows_of_run


def show_bad_rows(target: str, *, as_json: bool) -> None:
    """List the rows that were left out, in dataset order; also of a run that is still going."""
    found = find_target(target)
    with closing(bad_rows_of_run(found.storage, found.run)) as rows:
        if as_json:
            print_json_list({"uri": found.storage.uri}, "badRows", map(_as_json, rows))
        else:
            _print_lines(rows)


def _print_lines(rows: Iterable[CommittedBadRow]) -> None:
    any_row = False
    for one in rows:
        any_row = True
        print(_line(one.row))
    if not any_row:
        print("no row was left out", file=sys.stderr)


def _line(row: BadRow) -> str:
    """On one line of a terminal, which is sent nothing that a file's name may hold."""
    names = ", ".join(str(name) for name in (row.id, row.file) if name is not None)
    where = f"row {row.row}{names and f' ({names})'}, {row.stage}"
    said = ": ".join(text for text in (row.type, row.message) if text)
    return " / ".join(clean(f"{where}: {said}").splitlines())


def _as_json(one: CommittedBadRow) -> dict[str, Any]:
    place = {"shard": one.shard, "seq": one.seq, "attempt": one.attempt}
    return one.row.model_dump() | place
