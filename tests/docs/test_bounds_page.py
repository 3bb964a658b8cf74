"""docs/bounds.md has every bound of the operator, with the code's number and a test that exists."""

import ast
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import batchprocess_operator
from batchprocess import api, data, kube, protocol
from batchprocess.api.schema.crd import job_schema
from batchprocess.runs import tables
from support.pages import ROOT, Row, read_page, table

PAGE = read_page("bounds.md")
BOUNDS = [
    row
    for heading in (
        "A job and its status",
        "What the operator reads, asks and says",
        "What pods send",
        "Connections",
        "The page",
        "What workers write and read",
    )
    for row in table(PAGE, heading)
]
PACKAGES = (batchprocess_operator, protocol, api, kube, data, tables)
RIGHTS = table(PAGE, "Who may do what")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
NO_BOUNDS = {
    "batchprocess_operator.status.totals._MAX_FLOAT",
    "batchprocess.api.scalars.MAX_INT32",
    "batchprocess.data.rows.row_ids._MAX_INT",
    "batchprocess.data.index.blocks.blank._MAX_SUSPECTS",
}
"""The ends of types of numbers, and where another way to count is faster."""


def number(cell: str) -> float:
    """16 MiB as 16,777,216; units that are no sizes count nothing."""
    found = re.match(r"([\d,.]+)(?: (\w+))?", cell)
    assert found, cell
    return float(found[1].replace(",", "")) * UNITS.get(found[2] or "", 1)


def named(path: str) -> Any:
    """What a dotted path leads to: a module's value, or something of it."""
    module, names = "", path.split(".")
    prefix = "" if names[0] == "batchprocess" else "batchprocess_operator."
    for count in range(len(names) - 1, 0, -1):
        module = prefix + ".".join(names[:count])
        try:
            value: Any = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, names[count:], value)
    raise AssertionError(f"{path} is no module's")


def of_the_schema(path: str, keyword: str) -> Any:
    node: Any = job_schema()
    for name in path.replace("[]", ".[]").split("."):
        node = node["items"] if name == "[]" else node["properties"][name]
    return node[keyword]


def value_of(cell: str) -> float:
    if cell.startswith("values.yaml "):
        values = ROOT / "charts" / "batchprocess-operator" / "values.yaml"
        keys = cell.partition(" ")[2].split(".")
        text = functools.reduce(
            lambda node, key: node[key], keys, yaml.safe_load(values.read_text())
        )
        return number(f"{text[:-2]} {text[-2:]}B")
    if " " in cell:
        return float(of_the_schema(*cell.split()))
    found = named(cell)
    return found.total_seconds() if isinstance(found, timedelta) else float(found)


@pytest.mark.parametrize("row", BOUNDS, ids=lambda row: row[0])
def test_a_number_is_that_of_the_code(row: Row) -> None:
    assert number(row[1]) == value_of(row[2])


@functools.cache
def names_in(path: Path) -> set[str]:
    names = ast.walk(ast.parse(path.read_text()))
    return {one.name for one in names if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", [*RIGHTS, *BOUNDS], ids=lambda row: row[0])
def test_the_test_that_a_row_names_is_there(row: Row) -> None:
    file, _, name = row[-1].partition("::")
    assert name in names_in(ROOT / file)


def modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not one.name.endswith("__main__"):
                yield importlib.import_module(one.name)


def bounds(module: ModuleType) -> Iterator[str]:
    """Constants of a module that are called a bound, and are its own."""
    tree = ast.parse(Path(str(module.__file__)).read_text())
    given = [one for node in tree.body if isinstance(node, ast.Assign) for one in node.targets]
    for name in (node.id for one in given for node in ast.walk(one) if isinstance(node, ast.Name)):
        if re.match(r"_?MAX_", name) and isinstance(getattr(module, name), int | float):
            yield f"{module.__name__}.{name}"


def test_no_bound_of_operator_wire_jobs_readers_or_tables_is_missing() -> None:
    told = {row[2] for row in BOUNDS}
    told |= {f"batchprocess_operator.{name}" for name in told}
    found = {name for one in modules(*PACKAGES) for name in bounds(one)}
    assert found - told - NO_BOUNDS == set(), "docs/bounds.md has no row for these"
