"""The tests mirror the code, file by file, and no folder of code outgrows one look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKER = ROOT / "worker" / "batchprocess"
OPERATOR = ROOT / "operator" / "batchprocess_operator"
TESTCLUSTER = ROOT / "testcluster"
MIRRORED = {
    folder: WORKER / folder
    for folder in (
        "protocol",
        "api",
        "storage",
        "ledger",
        "runs",
        "data",
        "sdk",
        "agent",
        "client",
        "kube",
        "cli",
    )
} | {"operator": OPERATOR}
OF_SEVERAL = {
    "api/test_docstrings.py": "the fields of all models",
    "operator/endpoint/test_attacks.py": "the endpoint as a whole, under attack",
    "operator/endpoint/test_garbage.py": "the endpoint as a whole, from its socket",
    "operator/reconcile/test_properties.py": "what holds of all that reconcile decides",
    "operator/status/test_size.py": "the whole object with its status",
    "storage/test_conformance.py": "every kind of store",
}
"""Tests of several modules of one folder, and of what. Those of several folders are in system/."""
MAX_MODULES = 15


def without_module(tests: Path, mirrored: dict[str, Path]) -> Iterator[str]:
    """Test files whose module does not stand at the same place."""
    for folder, code in mirrored.items():
        for path in (tests / folder).rglob("test_*.py"):
            inner = path.relative_to(tests / folder)
            if not (code / inner.with_name(inner.name.removeprefix("test_"))).is_file():
                yield path.relative_to(tests).as_posix()


def crowded(code: Path) -> dict[str, int]:
    """Folders with too many modules, and how many."""
    folders = {path.parent for path in code.rglob("*.py")}
    sizes = {str(one): len(set(one.glob("*.py")) - {one / "__init__.py"}) for one in folders}
    return {folder: size for folder, size in sizes.items() if size > MAX_MODULES}


def test_every_test_file_stands_where_its_module_stands() -> None:
    assert set(without_module(ROOT / "tests", MIRRORED)) == OF_SEVERAL.keys()


def test_every_package_of_the_worker_is_mirrored() -> None:
    packages = {path.parent.name for path in WORKER.glob("*/__init__.py")}
    assert packages == MIRRORED.keys() - {"operator"}


@pytest.mark.parametrize("code", [WORKER, OPERATOR, TESTCLUSTER], ids=lambda code: code.name)
def test_no_folder_has_more_modules_than_one_look_takes_in(code: Path) -> None:
    assert crowded(code) == {}


def test_a_file_that_mirrors_nothing_and_a_crowded_folder_are_found(tmp_path: Path) -> None:
    code = tmp_path / "code"
    for path in ("code/a.py", "code/in/b.py", "tests/x/test_a.py", "tests/x/test_b.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert list(without_module(tmp_path / "tests", {"x": code})) == ["x/test_b.py"]
    for number in range(MAX_MODULES):
        (code / f"m{number}.py").touch()
    assert crowded(code) == {str(code): MAX_MODULES + 1}
