"""`batchprocess completion`."""

import click
from click.shell_completion import get_completion_class

PROGRAM = "batchprocess"
VARIABLE = f"_{PROGRAM.upper()}_COMPLETE"
"""In which click is told by the shell that something is to be completed."""


def print_completion(group: click.Group, shell: str) -> None:
    """The shell's own code; the shell asks this program at each key."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not known to click")
    print(kind(group, {}, PROGRAM, VARIABLE).source())
