"""What krew installs is whole, the same each time, and taken by krew itself."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from support.pages import ROOT

PROGRAM = "kubectl-batchprocess"
TOOLS = ROOT / ".cache" / "bin"
URI = "https://example.org/plugin.tar.gz"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_plugin", ROOT / "krew" / "make_plugin.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def dist(tmp_path: Path, maker: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    given = ["--version", "0.1.0", "--homepage", "https://example.org", "--uri", URI]
    monkeypatch.setattr(sys, "argv", ["make_plugin.py", *given, "--out", str(tmp_path / "dist")])
    maker.main()
    return tmp_path / "dist"


def test_the_manifest_names_the_archive_by_its_digest(dist: Path, maker: ModuleType) -> None:
    packed = (dist / f"{PROGRAM}.tar.gz").read_bytes()
    (platform,) = yaml.safe_load((dist / f"{maker.PLUGIN}.yaml").read_text())["spec"]["platforms"]
    assert platform["sha256"] == hashlib.sha256(packed).hexdigest()
    assert platform["uri"] == URI
    assert maker.archive("0.1.0") == packed


def test_the_archive_has_a_program_that_may_be_run_and_the_licence(dist: Path) -> None:
    with tarfile.open(dist / f"{PROGRAM}.tar.gz") as tar:
        assert {one.name: oct(one.mode) for one in tar} == {
            "kubectl-batchprocess": "0o755",
            "LICENSE": "0o644",
        }


def test_what_was_not_filled_in_is_refused(maker: ModuleType) -> None:
    with pytest.raises(ValueError, match="nothing was given for @B@"):
        maker._filled("@A@ @B@", A="1")


def run(program: Path, path: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, *arguments], env={"PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_program_finds_the_package_or_what_fetches_it_and_else_says_so(
    dist: Path, tmp_path: Path
) -> None:
    shutil.unpack_archive(dist / f"{PROGRAM}.tar.gz", tmp_path, filter="data")
    program, found = tmp_path / "kubectl-batchprocess", tmp_path / "found"
    found.mkdir()
    system = tmp_path / "system"
    system.mkdir()
    (system / "dirname").symlink_to(str(shutil.which("dirname")))
    (system / "sh").symlink_to(str(shutil.which("sh")))
    (system / "echo").symlink_to(str(shutil.which("echo")))
    path = f"{found}:{system}"
    missing = run(program, path, "get")
    assert missing.returncode == 1
    assert "pip install 'batchprocess[cli,client]==0.1.0'" in missing.stderr

    def put(name: str) -> None:
        (found / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (found / name).chmod(0o755)

    wanted = "batchprocess[cli,client]==0.1.0 kubectl-batchprocess get -o json"
    put("pipx")
    assert run(program, path, "get", "-o", "json").stdout == f"pipx run --spec {wanted}\n"
    put("uvx")
    assert run(program, path, "get", "-o", "json").stdout == f"uvx --quiet --from {wanted}\n"
    put("batchprocess")
    put("kubectl-batchprocess")
    assert run(program, path, "get").stdout == "kubectl-batchprocess get\n"


@pytest.mark.slow
@pytest.mark.skipif(not (TOOLS / "krew").exists(), reason="krew is not built")
def test_krew_itself_takes_the_manifest_and_installs_the_plugin(
    dist: Path, tmp_path: Path, maker: ModuleType
) -> None:
    environ = {**os.environ, "KREW_ROOT": str(tmp_path / "krew"), "KREW_NO_UPGRADE_CHECK": "1"}
    manifest = dist / f"{maker.PLUGIN}.yaml"

    def krew(*command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    krew(TOOLS / "validate-krew-manifest", "-manifest", manifest, "-skip-install")
    archive = dist / f"{PROGRAM}.tar.gz"
    krew(TOOLS / "krew", "install", f"--manifest={manifest}", f"--archive={archive}")
    program = tmp_path / "krew" / "bin" / "kubectl-batchprocess"
    # Found beside the interpreter of this test, where the package is.
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    if (Path(sys.executable).parent / "kubectl-batchprocess").exists():
        assert "Usage: kubectl batchprocess" in run(program, beside, "--help").stdout
