"""Commands and their options.

Whatever a command needs is imported when it runs, not before: `--help` must answer at once.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from batchprocess.cli.cluster.verbs import add_to
from batchprocess.cli.command_group import CommandGroup, show_all_names

_TARGET_HELP = (
    "TARGET is a job file, a run folder, or a job folder (then the run begun last, here or on a "
    "cluster)."
)


def _json(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")(
        function
    )


def _rows(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say which files and rows are wanted."""
    for option in (
        click.option(
            "--skip-rows",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Leave these rows out: numbers from 0, one a line.",
        ),
        click.option(
            "--bad-rows-of", metavar="RUN", help="Only rows that this complete run has left out."
        ),
        click.option(
            "--new-since",
            metavar="RUN",
            help="Only files that this run, and those it was itself new since, have not listed.",
        ),
    ):
        function = option(function)
    return function


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="batchprocess")
def main() -> None:
    """GPU batch inference that loses nothing and repeats nothing.

    \b
    Exit codes: 0 complete, 85 stopped and resumable, 86 stalled, 87 taken over by another run,
    88 storage unreachable, 90 user code raised, 91 can never work, 92 no progress, 93 verification
    failed, 94 shard closed, 95 too many bad rows, 128+n killed by signal n, 2 usage, 3 nothing new
    where it was expected, 1 anything else.
    """
    show_all_names()


@main.command()
@click.argument("job", type=click.Path(path_type=Path))
@click.option("--fresh", is_flag=True, help="Start another run, whatever became of the latest.")
@click.option(
    "--expect-new", is_flag=True, help="End with 3 if the latest run was complete already."
)
@_rows
@_json
def run(job: Path, fresh: bool, expect_new: bool, as_json: bool, **rows: Any) -> int:
    """Run JOB here until it is complete; go on where the latest run stopped.

    Ctrl-C lets every shard commit its running batch and stops; run again to go on. Progress goes
    to stderr, the result to stdout. Of a run that is complete already it says whether data or
    code have changed since.
    """
    from batchprocess.cli.commands.run import run_job
    from batchprocess.cli.rows.options import RowOptions

    options = RowOptions(**rows)
    return run_job(job, fresh=fresh, expect_new=expect_new, options=options, as_json=as_json)


@main.command()
@click.argument("job", type=click.Path(path_type=Path))
@click.option(
    "--try", "try_batch", is_flag=True, help="Run some batches, to estimate the duration."
)
@_rows
@_json
def plan(job: Path, try_batch: bool, as_json: bool, **rows: Any) -> int:
    """Check JOB, import its code, count rows, batches and shards, and try the output address.

    Nothing is left in storage. With --try the processor runs for about four seconds, and the time
    of the whole job follows from the last three; nothing of that is committed. Exits 88 or 91 if
    the storage cannot be used from here.
    """
    from batchprocess.cli.commands.plan import plan_job
    from batchprocess.cli.rows.options import RowOptions

    return plan_job(job, try_batch=try_batch, options=RowOptions(**rows), as_json=as_json)


@main.command(epilog=_TARGET_HELP)
@click.argument("target")
@_json
def status(target: str, as_json: bool) -> None:
    """How far every shard of a run is, read from its ledgers."""
    from batchprocess.cli.commands.status import show_status

    show_status(target, as_json=as_json)


@main.command(epilog=_TARGET_HELP)
@click.argument("target")
@click.option(
    "--download",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy the files into this folder, as <shard>/<seq>/<name>.",
)
@click.option("--errors", is_flag=True, help="Rows that were left out, in place of files.")
@click.option("--table", help="A name of save without its suffix, whose rows -o gets.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file for the rows of --table: .parquet, .jsonl or .csv.",
)
@_json
def results(as_json: bool, target: str, **wanted: Any) -> None:
    """Committed files in dataset order; also of a run that is still going."""
    from batchprocess.cli.commands.wanted_results import show_wanted

    show_wanted(target, as_json=as_json, **wanted)


@main.command(epilog=_TARGET_HELP)
@click.argument("target")
@_json
def verify(target: str, as_json: bool) -> int:
    """Check every ledger, and the digest of every committed file. Exits 93 on a problem."""
    from batchprocess.cli.commands.verify import verify_run

    return verify_run(target, as_json=as_json)


@main.command(epilog="TARGET is a job file or a job's folder.")
@click.argument("target")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def clean(target: str, yes: bool, as_json: bool) -> int:
    """Remove abandoned runs of a job, and what interrupted uploads and dead workers left in others.

    Abandoned is a run without _SUCCESS that is neither the latest nor the one with the youngest
    record. Never removed: a complete run, a run with a record younger than one hour, an upload
    that began less than a day ago.
    """
    from batchprocess.cli.commands.clean import clean_job

    return clean_job(target, yes=yes, as_json=as_json)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what has SHELL complete commands, options, files and names of jobs.

    \b
    bash  source <(batchprocess completion bash)    in ~/.bashrc
    zsh   source <(batchprocess completion zsh)     in ~/.zshrc, after compinit
    fish  batchprocess completion fish | source     in ~/.config/fish/config.fish
    """
    from batchprocess.cli.commands.completion import print_completion

    print_completion(main, shell)


add_to(main)

if __name__ == "__main__":
    main()
