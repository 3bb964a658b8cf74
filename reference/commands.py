"""The page of the command line: every command with what its `--help` says."""

from collections.abc import Iterator

import click

from batchprocess.cli.main import main

_INTRODUCTION = """\
# The command line, command by command

Made by `make generate` from the commands: what `batchprocess COMMAND --help` says. What they do in
full, and how they end: [cli.md](../cli.md), [exit-codes.md](../exit-codes.md).
"""
_WIDTH = 100


def command_page() -> str:
    """The page, in Markdown."""
    with click.Context(main, info_name="batchprocess", **main.context_settings) as context:
        # In place of the width of whoever's terminal this runs in.
        context.terminal_width = context.max_content_width = _WIDTH
        return "\n".join([_INTRODUCTION, *_sections(main, context)])


def _sections(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            with click.Context(command, info_name=name, parent=context) as own:
                yield f"## {name}\n\n```\n{command.get_help(own)}\n```\n"
