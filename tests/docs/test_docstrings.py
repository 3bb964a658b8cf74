"""No docstring is cut in the middle of a sentence."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "examples", "hooks", "operator", "testcluster", "tests", "worker")
ENDS = (".", ":", "?", "!", "`")


def docstrings(code: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string that stands for itself: of modules, functions, attributes."""
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, inspect.cleandoc(node.value.value)


def cut(text: str) -> bool:
    """Whether its first line, or its only paragraph, does not end a sentence."""
    paragraph, blank, _ = text.partition("\n\n")
    return not (paragraph.partition("\n")[0] if blank else paragraph).endswith(ENDS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_first_line_or_the_only_paragraph_ends_a_sentence(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path.read_text())
        if cut(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("Whole.", False),
        ("Two lines that\nend so.", False),
        ("A whole line.\n\nAnd more of it\nbelow.", False),
        ("A line that goes on\n\nafter a blank one.", True),
        ("Two lines that\n\ngo on\n\nand end.", True),
        ("No end", True),
        ("", True),
    ],
)
def test_a_cut_is_seen(text: str, is_cut: bool) -> None:
    assert cut(text) is is_cut
