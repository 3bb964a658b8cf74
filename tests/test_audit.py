"""`make audit`: a fault is told, and so is that nobody could be asked."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import audit


@pytest.fixture
def program(tmp_path: Path) -> Any:
    """Makes a program that answers so."""

    def made(name: str, output: str, errors: str = "", status: int = 0) -> str:
        path = tmp_path / name
        path.write_text(
            f"#!{sys.executable}\nimport sys\nsys.stdout.write({output!r})\n"
            f"sys.stderr.write({errors!r})\nsys.exit({status})\n"
        )
        path.chmod(0o755)
        return str(path)

    return made


def locked(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


GOOD = {"name": "six", "version": "1.17.0", "vulns": []}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found and could not be audited: rich"}
FAULTY = {
    "name": "urllib3",
    "version": "1.0",
    "vulns": [{"id": "GHSA-1", "fix_versions": ["1.1", "2.0"], "aliases": [], "description": ""}],
}


def audited(program: Any, pip: str, go_status: int = 0, *more: str) -> int:
    errors = "govulncheck: fetching vulnerabilities: no such host\n" if go_status == 1 else ""
    return audit.main(
        [
            *("--pip-audit", program("pip-audit", pip)),
            *("--govulncheck", program("govulncheck", "GO-1 in x/net\n", errors, go_status)),
            *("--go", "testcluster", *more, "requirements/operator.txt"),
        ]
    )


def test_nothing_known_is_no_fault(program: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(program, locked(GOOD)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "requirements/operator.txt: 1 checked, no fault known",
        "testcluster: all checked, no fault known",
    ]


def test_a_fault_of_a_package_is_told_with_what_mends_it(
    program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(program, locked(GOOD, FAULTY)) == 1
    assert "FAULT: urllib3 1.0 has GHSA-1; mended in 1.1, 2.0" in capsys.readouterr().out


def test_a_fault_of_a_module_is_told(program: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert audited(program, locked(GOOD), audit.FOUND) == 1
    assert "testcluster: FAULT: GO-1 in x/net" in capsys.readouterr().out


def test_packages_that_nobody_was_asked_about_are_not_called_good(
    program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(program, locked(GOOD, SKIPPED)) == 0
    out = capsys.readouterr().out
    assert "NOT CHECKED: 1 of 2 packages could not be asked about" in out
    assert "no fault known" not in out.splitlines()[0]


@pytest.mark.parametrize("pip", ["", "Traceback", "[]"])
def test_a_program_that_fails_says_why_nothing_was_checked(
    pip: str, program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(program, pip, 1) == 0
    out = capsys.readouterr().out
    assert "testcluster: NOT CHECKED: govulncheck: fetching vulnerabilities: no such host" in out
    assert "requirements/operator.txt: NOT CHECKED: " in out


def test_what_was_not_checked_fails_where_it_must_be(program: Any) -> None:
    assert audited(program, locked(GOOD), 1, "--strict") == 2


def test_a_program_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--pip-audit=/none", "--govulncheck=/none", "a.txt"]) == 0
    assert "a.txt: NOT CHECKED: [Errno 2]" in capsys.readouterr().out


ROOT = Path(__file__).parents[1]


def test_the_target_asks_about_every_lock_module_and_program() -> None:
    makefile = (ROOT / "Makefile").read_text()
    target = makefile.partition("\nGO_PROGRAMS :=")[2].partition("\n\n")[0]
    # One without source of its own only says which programs of others are built.
    modules = {
        path.parent.relative_to(ROOT).as_posix()
        for path in ROOT.glob("testcluster/**/go.mod")
        if any(path.parent.glob("*.go"))
    }
    assert modules == set(re.findall(r"testcluster[\w/]*", target))
    assert "$(wildcard requirements/*.txt)" in target
    installed = set(re.findall(r"\$\(INSTALL\)[^\n]* \S*/([\w-]+)@", makefile))
    (flux,) = re.findall(r"^FLUX := ([\w -]+)$", makefile, re.MULTILINE)
    (programs,) = re.findall(r"^ \$\(addprefix \$\(TOOLS\)/,\$\(FLUX\) ([\w -]+)\)", target)
    assert set(programs.split()) == installed - {"govulncheck"}
    assert flux.split() == ["source-controller", "kustomize-controller"]
