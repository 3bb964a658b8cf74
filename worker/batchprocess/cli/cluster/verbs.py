"""The commands for jobs on a cluster and their options; what they need is imported when they run.

They stand beside those for runs in storage, and alone in `kubectl batchprocess`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from batchprocess.cli.command_group import CommandGroup, show_all_names

Decorated = Callable[..., Any]


def _known_names(*arguments: Any) -> list[CompletionItem]:
    from batchprocess.cli.cluster.known_names import known_names

    return known_names(*arguments)


_NAMES = click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_known_names
)
_NAME = click.argument("name", shell_complete=_known_names)


def _place(function: Decorated) -> Decorated:
    """Where the job is."""
    for option in (
        click.option("--context", help="Of the kubeconfig. Default: its current one."),
        click.option("-n", "--namespace", help="Default: the one that the context means."),
    ):
        function = option(function)
    return function


def _form(function: Decorated) -> Decorated:
    """How the object is printed."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(["json", "yaml", "name"]),
        help="Print the object so, in place of a line for people.",
    )(function)


@click.group(
    "kubectl batchprocess",
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="batchprocess")
def kubectl() -> None:
    """Jobs of GPU batch inference on a cluster."""
    show_all_names()


@kubectl.command()
@click.argument("job", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--wait", is_flag=True, help="Watch it, and end with its exit code.")
@click.option(
    "--plan", is_flag=True, help="Run plan in a pod first, and go on only if all is well."
)
@click.option("--yes", is_flag=True, help="Do not ask after --plan.")
@click.option(
    "--source",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="A folder of code, at most 1 MiB: a ConfigMap is made of it, and goes with the job.",
)
@click.option(
    "--request-id",
    metavar="ID",
    help="Who submits with the same ID again gets the same job, not an error.",
)
@_place
@_form
def submit(job: Path, namespace: str | None, context: str | None, **wanted: Any) -> int:
    """Create the job of the file JOB (- for stdin) on a cluster.

    The file is checked before anything is sent. Ctrl-C under --wait leaves the job as it is.
    """
    from batchprocess.cli.cluster.submit import Wanted, submit_job

    return submit_job(job, Wanted(**wanted), namespace=namespace, context=context)


@kubectl.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_known_names)
@click.option("-l", "--selector", help="Only jobs with these labels, as team=vision.")
@_place
@_form
def get(names: tuple[str, ...], **wanted: Any) -> None:
    """Jobs of a namespace, or those that are named."""
    from batchprocess.cli.cluster.get import show_jobs

    show_jobs(names, **wanted)


@kubectl.command()
@_NAME
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds; then 1.")
@click.option("--json", "as_json", is_flag=True, help="Each status as a line of JSON on stdout.")
@_place
def watch(name: str, **wanted: Any) -> int:
    """Show how far a job is until it has ended, and end with its exit code.

    Bars on a terminal, plain lines elsewhere. Ctrl-C ends the watching, never the job.
    """
    from batchprocess.cli.cluster.watch import watch_job

    return watch_job(name, **wanted)


@kubectl.command()
@_NAME
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--failed", is_flag=True, help="Last words and lines of failed pods alone.")
@click.option(
    "--shard",
    "shards",
    type=click.IntRange(min=0),
    multiple=True,
    help="Only pods of this shard; may be given again.",
)
@click.option("--tail", type=int, metavar="LINES", help="Only so many last lines of each pod.")
@click.option("--timestamps", is_flag=True, help="The time before each line.")
@_place
def logs(name: str, namespace: str | None, context: str | None, **wanted: Any) -> None:
    """What the pods of a job have written: shards and attempts merged by time.

    Each line begins with shard, attempt if it is not the first, or [finalizer]. --follow goes on
    over pods that come and go.
    """
    from batchprocess.cli.cluster.logs import Wanted, print_logs

    print_logs(name, Wanted(**wanted), namespace=namespace, context=context)


@kubectl.command()
@_NAMES
@_place
@_form
def suspend(**wanted: Any) -> None:
    """Have all workers of jobs commit and stop, until resume."""
    from batchprocess.cli.cluster.change import change_jobs

    change_jobs("suspend", **wanted)


@kubectl.command()
@_NAMES
@_place
@_form
def resume(**wanted: Any) -> None:
    """Go on with jobs that are suspended."""
    from batchprocess.cli.cluster.change import change_jobs

    change_jobs("resume", **wanted)


@kubectl.command()
@_NAMES
@_place
@_form
def retry(**wanted: Any) -> None:
    """Run the shards of failed jobs again that are not complete."""
    from batchprocess.cli.cluster.change import change_jobs

    change_jobs("retry", **wanted)


@kubectl.command()
@_NAMES
@_place
@_form
def cancel(**wanted: Any) -> None:
    """End jobs for good: delete them, and wait until their pods have committed and are gone.

    What is in storage stays. A job that has ended is left as it is: delete it with kubectl.
    """
    from batchprocess.cli.cluster.change import change_jobs

    change_jobs("cancel", **wanted)


def add_to(group: CommandGroup) -> None:
    """Have the group know all of them."""
    for verb in kubectl.commands.values():
        group.add_command(verb)
