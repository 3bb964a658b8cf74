"""docs/troubleshooting.md has every reason that is bad news, and quotes what the code says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.condition_types import CONDITION_TYPES
from support.pages import ROOT, read_page

PAGE = read_page("troubleshooting.md")
BAD_NEWS = (
    *("PodsStarting", "PodsFailed", "WaitingForNode", "NameConflict", "Degraded"),
    *("UnknownFields", "SourceChanged", "BadRows", "Failed", "Stalled"),
)
NO_NEWS = {"Starting", "Finished", "Failed", "Pending", "Running", "Finalizing"}
"""Reasons of those conditions that need no help, or say nothing."""
OF_KUBERNETES = {
    *("ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError", "FailedMount"),
}
QUOTED = r'_"([^"]+)"_'


def texts(tree: ast.AST) -> Iterator[str]:
    """Texts of the code, those with holes as their parts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_reason_that_is_bad_news_is_told() -> None:
    reasons = {reason for name in BAD_NEWS for reason in CONDITION_TYPES[name].reasons}
    assert {one for one in reasons - NO_NEWS if f"`{one}`" not in PAGE} == set()


def test_no_other_reason_is_told() -> None:
    known = {reason for one in CONDITION_TYPES.values() for reason in one.reasons}
    told = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z]+[a-z]*)+|OOMKilled)`", PAGE))
    assert told - known - CONDITION_TYPES.keys() - OF_KUBERNETES == set()


def test_exit_codes_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (?:`\w+`, )?(\d+) \|", PAGE, re.M)
    signals = {"137", "139"}
    assert {str(int(one)) for one in ExitCode} >= set(rows) - signals
    assert {"1", "86", "87", "88", "90", "91", "92", "93", "94", "95"} <= set(rows)


def test_what_is_quoted_is_said_somewhere() -> None:
    folders = (ROOT / "worker" / "batchprocess", ROOT / "operator" / "batchprocess_operator")
    files = [path for folder in folders for path in folder.rglob("*.py")]
    said = "\n".join(text for path in files for text in texts(ast.parse(Path(path).read_text())))
    quotes = re.findall(QUOTED, PAGE)
    assert len(quotes) >= 4
    parts = [part.strip() for quote in quotes for part in quote.split("...") if part.strip()]
    assert [part for part in parts if part not in said] == []
