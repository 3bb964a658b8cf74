"""Names of jobs, for a shell that completes them."""

from itertools import islice

import click
from click.shell_completion import CompletionItem

from batchprocess.client import Jobs
from batchprocess.client.server.connection import connect
from batchprocess.plain_text import plain
from batchprocess.protocol.errors import BatchProcessError

SECONDS = 3.0
MAX_NAMES = 500


def known_names(
    context: click.Context, parameter: click.Parameter, begin: str
) -> list[CompletionItem]:
    """Those that begin so, of the first 500 of the namespace; none if that takes too long."""
    given = context.params
    named = given.get(parameter.name or "")
    taken = set(named) if isinstance(named, tuple) else set()
    try:
        jobs = Jobs(
            connection=connect(given.get("namespace"), given.get("context"), impatient=SECONDS)
        )
        return [
            CompletionItem(job.name, help=plain(job.raw.get("status", {}).get("state") or ""))
            for job in islice(jobs.list(), MAX_NAMES)
            if job.name.startswith(begin) and job.name not in taken
        ]
    except BatchProcessError:
        # In the middle of a line that somebody types there is no place for an error.
        return []
