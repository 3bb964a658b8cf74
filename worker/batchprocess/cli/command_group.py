"""How every command ends: with its exit code, errors of ours as one sentence on stderr."""

import io
import os
import signal
import sys
from typing import Any, NoReturn

import click

from batchprocess.protocol.errors import BatchProcessError


class _Command(click.Command):
    """The error boundary. What the command's function returns is its exit code; None is 0."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
            # Here, where a reader that has gone is known for what it is, not at the exit.
            sys.stdout.flush()
        except BatchProcessError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(int(error.exit_code))
        except BrokenPipeError:
            _end_as_by_sigpipe()
        sys.exit(code or 0)


class CommandGroup(click.Group):
    """A group whose commands end so."""

    command_class = _Command


def show_all_names() -> None:
    """A terminal that cannot show a file's name must not end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_as_by_sigpipe() -> NoReturn:
    """Who read us (`| head`) has seen enough: that is no error, and nobody is left to read one."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        # What is still in its buffer would be written at the interpreter's exit, and fail again.
        os.dup2(nowhere, stream.fileno())
    sys.exit(128 + signal.SIGPIPE)
