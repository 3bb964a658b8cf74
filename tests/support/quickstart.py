"""docs/quickstart.md as a reader has it: files to write, lines to type."""

import re
from pathlib import Path

from support.pages import read_page, section

PAGE = read_page("quickstart.md")
OPERATOR = "registry.example/team/batchprocess-operator:0.1.0"
WORKER = "registry.example/team/batchprocess-worker:0.1.0"


def write_files(folder: Path) -> None:
    """Each file that the page names just before what is in it."""
    found = re.findall(r"`(\w+\.\w+)`[^`]*:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    for name, text in found:
        (folder / name).write_text(text)


def blocks(heading: str) -> list[list[str]]:
    """The lines to type under a heading, block by block; no comments, continued ones as one."""
    found = re.findall(r"```console\n(.*?)```", section(PAGE, heading), re.DOTALL)
    return [
        [re.sub(r" +# .*", "", line) for line in text.replace("\\\n", "").splitlines()]
        for text in found
    ]
