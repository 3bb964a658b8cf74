"""`batchprocess results`, by its options."""

from pathlib import Path

import click

from batchprocess.cli.commands.bad_rows import show_bad_rows
from batchprocess.cli.commands.results import show_results
from batchprocess.cli.commands.table import write_table


def show_wanted(
    target: str,
    *,
    download: Path | None,
    errors: bool,
    table: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """What the options ask for: files, rows that were left out, or a table."""
    if (table is None) != (output is None):
        raise click.UsageError("--table and -o go together: the name, and the file for its rows")
    if sum((errors, table is not None, download is not None)) > 1:
        raise click.UsageError(
            "--download copies files, --errors lists rows that were left out, --table joins rows: "
            "give one of them"
        )
    if errors:
        show_bad_rows(target, as_json=as_json)
    elif table is not None and output is not None:
        write_table(target, table, output, as_json=as_json)
    else:
        show_results(target, download=download, as_json=as_json)
