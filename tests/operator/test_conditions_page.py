"""The page of conditions is what the code says, and nothing that the code says is missing."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

from batchprocess.api.status import Condition, State
from batchprocess_operator.conditions_page import PAGE, conditions_page, main
from batchprocess_operator.model.condition_types import CONDITION_TYPES
from batchprocess_operator.status.pod_ends import RANKS

ROOT = Path(__file__).parents[2]
CODE = ROOT / "operator" / "batchprocess_operator"
OF_KUBERNETES = {"DeadlineExceeded"}
"""Given by Kubernetes to a Job that we make, and explained because people ask for it."""
MODULES = {
    path: ast.parse(path.read_text())
    for path in CODE.rglob("*.py")
    if path.name != "condition_types.py"
}


def constants(trees: Mapping[Path, ast.Module]) -> dict[str, str]:
    """Module-level names of texts."""
    return {
        target.id: node.value.value
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


NAMES = constants(MODULES)


def said(node: ast.expr | None) -> str | None:
    """What an argument is if it is a text, or the name of one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return NAMES.get(node.id) if isinstance(node, ast.Name) else None


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", None))
                if called == name:
                    yield f"{path.relative_to(CODE)}:{node.lineno}", node


def argument(call: ast.Call, place: int, name: str) -> str | None:
    given = [one.value for one in call.keywords if one.arg == name]
    return said(given[0] if given else call.args[place] if len(call.args) > place else None)


def test_the_page_is_what_the_code_says() -> None:
    assert main(["--check"], ROOT) == 0


def test_a_page_of_before_is_told_and_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / PAGE).parent.mkdir(parents=True)
    (tmp_path / PAGE).write_text("old")
    assert main(["--check"], tmp_path) == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert (tmp_path / PAGE).read_text() == conditions_page()


def test_every_condition_of_the_code_is_on_the_page_and_no_other() -> None:
    found = {argument(call, 0, "type") for _, call in calls("Fact")} - {None}
    # Told where they are worked out: NameConflict and PodsStarting of a child that is refused.
    assert found | {"NameConflict"} == CONDITION_TYPES.keys()


def test_kubectl_explain_names_them_all() -> None:
    told = Condition.model_fields["type"].description or ""
    assert set(re.findall(r"\b[A-Z]\w+", told)) - {"Which"} == CONDITION_TYPES.keys()


def test_every_reason_that_the_code_gives_a_condition_is_told_there() -> None:
    missing = []
    for where, call in calls("Fact"):
        kind, reason = argument(call, 0, "type"), argument(call, 2, "reason")
        known = CONDITION_TYPES[kind].reasons if kind in CONDITION_TYPES else ALL_REASONS
        if reason is not None and reason not in known:
            missing.append(f"{where}: condition_types.py has no {reason} of {kind}")
    assert missing == []


ALL_REASONS = {reason for one in CONDITION_TYPES.values() for reason in one.reasons}


@pytest.mark.parametrize(("call", "place"), [("Reason", 0), ("_write_stalled", 2)])
def test_every_other_reason_of_the_code_is_told_somewhere(call: str, place: int) -> None:
    given = {argument(one, place, "reason"): where for where, one in calls(call)}
    missing = {where: reason for reason, where in given.items() if reason and reason.isidentifier()}
    assert {k: v for k, v in missing.items() if v not in ALL_REASONS} == {}


def test_every_way_that_a_pod_fails_is_told() -> None:
    assert CONDITION_TYPES["PodsFailed"].reasons.keys() == set(RANKS)


def test_no_reason_is_told_that_the_code_does_not_give() -> None:
    texts = {
        node.value
        for tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert ALL_REASONS - texts - OF_KUBERNETES - set(get_args(State)) == set()
