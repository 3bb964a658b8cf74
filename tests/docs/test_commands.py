"""Commands of ours that pages have people type are commands, with options that they have."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchprocess.cli.main import main
from support.pages import ROOT

PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "how-to").glob("*.md"),
]
OURS = r"(?:kubectl )?batchprocess"


def typed(text: str) -> Iterator[list[str]]:
    """Lines of blocks, and code in sentences that has an argument at least."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    spans = re.findall(rf"`({OURS} [a-z][^`]*)`", prose)
    for line in [one.removeprefix("$ ") for one in lines] + [
        " ".join(one.split()) for one in spans
    ]:
        if re.match(rf"{OURS} [a-z]", line) and "|" not in line:
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_has_the_options_that_it_is_typed_with(page: Path) -> None:
    for words in typed(page.read_text()):
        name, *rest = words[words.index("batchprocess") + 1 :]
        assert name in main.commands, words
        options = {one for option in main.commands[name].params for one in option.opts}
        given = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert given <= options | {"--help"}, words


def test_pages_have_many_of_them() -> None:
    assert sum(1 for page in PAGES for _ in typed(page.read_text())) > 60
