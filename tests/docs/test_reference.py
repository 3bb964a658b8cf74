"""Pages that `python -m reference` makes are what the code says, and have all that is public."""

import re
from pathlib import Path

import pytest

import batchprocess
from batchprocess import client, data
from batchprocess.cli.main import main as commands
from reference import __main__ as reference
from reference.docstrings import described, signature
from support.pages import ROOT, read_page


def headings(page: str) -> set[str]:
    return set(re.findall(r"^##+ (.+)$", read_page(f"reference/{page}.md"), re.MULTILINE))


def test_the_pages_are_what_the_code_says() -> None:
    assert reference.main(["--check"], ROOT) == 0


def test_a_page_of_before_is_told_and_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    (tmp_path / "docs" / "reference" / "cli.md").write_text("old")
    assert reference.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err.count("run `make generate`") == len(reference.PAGES)
    assert reference.main([], tmp_path) == 0
    assert reference.main(["--check"], tmp_path) == 0
    assert reference.main(["--stale"], tmp_path) == 2


def test_every_public_name_every_method_and_every_command_has_its_heading() -> None:
    context = batchprocess.TorchBatchProcessorContext
    methods = {name for name in vars(context) if not name.startswith("_")}
    assert {*batchprocess.__all__, *data.__all__, *methods} <= headings("python")
    verbs = {name for name, one in vars(client.Jobs).items() if callable(one) and name[0] != "_"}
    assert {"Jobs", "ClusterJob", *verbs} <= headings("client")
    errors = {name for name in vars(client) if isinstance(getattr(client, name), type)}
    told = set(re.findall(r"`(\w+)`", read_page("reference/client.md")))
    assert errors - headings("client") <= told
    assert set(commands.commands) == headings("cli")


def example(first: int, *, named: str | None = None, way: object = print) -> "list[Path]":
    """What it does.

    first: a number. named: a text. Raises ValueError.

        code(1)
    """
    raise NotImplementedError(first, named, way)


def test_arguments_errors_and_code_of_a_docstring_are_parted() -> None:
    assert described(example) == (
        "What it does.\n\n- `first`: a number.\n- `named`: a text.\n\nRaises ValueError.\n\n"
        "```python\ncode(1)\n```"
    )
    with pytest.raises(ValueError, match="no docstring"):
        described(lambda: None)


def test_a_signature_has_no_places_and_breaks_where_it_is_long() -> None:
    line = "example(first: int, *, named: str | None = None, way: object = ...) -> list[Path]"
    assert signature("example", example) == f"```python\n{line}\n```"
    assert "\n    first: int,\n    *,\n" in signature("e" * 40, example)
