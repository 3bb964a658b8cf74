"""Names of environment variables stand in one module, and are those of fields where they say so."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from batchprocess.protocol import variables
from batchprocess.protocol.environment import WorkerEnvironment

ROOT = Path(__file__).parents[2]
OTHERS = {"PREFIX", "CONTROL_FD", "SCRATCH", "PLAN", "PLAN_RUN", "OUTPUT"}
SPELT = re.compile(r"BATCHPROCESS_(?!OPERATOR_)")
"""The operator's own settings have a prefix of their own."""


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """String constants and the constant parts of f-strings, but what is documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation:
            yield node


def test_no_other_module_spells_one() -> None:
    for folder in ("worker", "operator"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "variables.py":
                continue
            source = path.read_text()
            assert not [one.value for one in texts(ast.parse(source)) if SPELT.search(one.value)]
            assert not re.search(r"PREFIX\}[A-Z]|PREFIX \+ \"[A-Z]", source), path


def test_a_name_is_that_of_a_field_or_of_none() -> None:
    named = {name: value for name, value in vars(variables).items() if name.isupper()}
    for name in named.keys() - OTHERS:
        assert name.lower() in WorkerEnvironment.model_fields
        assert named[name] == variables.PREFIX + name
    for name in OTHERS:
        assert name.lower() not in WorkerEnvironment.model_fields
