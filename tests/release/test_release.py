"""A release's files are whole, the same each time, and work where nothing else is."""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from batchprocess.version import __version__
from release import vendor
from release.packages import changed_files, chart, time_of_commit
from support.pages import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("release")]
HELM = ROOT / ".cache" / "bin" / "helm"
HOME = "https://example.org"
WHEEL = f"batchprocess-{__version__}-py3-none-any.whl"


def make(out: Path) -> Path:
    # Who works on this tree may have changed it already.
    where = ("--out", str(out), "--homepage", HOME, "--uncommitted")
    run(sys.executable, "-m", "release", *where)
    return out


def run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("release") / "dist")


@pytest.fixture(scope="module")
def clean(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and nothing of this repository."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = str(folder / "bin" / "python")
    run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--python",
        python,
        "--no-deps",
        str(dist / WHEEL),
    )
    return folder / "bin"


def beside_the_dependencies() -> dict[str, str]:
    """What is installed here, torch among it, for a program that comes from elsewhere.

    Links to source in these folders do not count: only an environment's own follow them.
    """
    return {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib")}


def test_sums_name_every_file_as_sha256sum_checks_them(dist: Path) -> None:
    said = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist).splitlines()
    there = {path.name for path in dist.iterdir()} - {"SHA256SUMS"}
    assert {line.removesuffix(": OK") for line in said} == there


def test_the_same_commit_makes_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "again")
    assert (again / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


def refusal(*flags: str, cwd: Path = ROOT) -> str:
    command = [sys.executable, "-m", "release", *flags]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr


def test_a_folder_with_files_is_refused(dist: Path) -> None:
    assert f"{dist} is not empty" in refusal("--out", str(dist))


def test_a_tree_that_no_commit_has_is_refused_and_its_files_are_named(tmp_path: Path) -> None:
    tree, out = tmp_path / "tree", tmp_path / "out"
    run("git", "clone", "--quiet", "--shared", str(ROOT), str(tree))
    assert changed_files(tree) == []
    (tree / "README.md").write_text("another one")
    (tree / "worker" / "new one.py").touch()
    (tree / ".cache").mkdir()
    (tree / ".cache" / "ignored").touch()
    assert changed_files(tree) == ["README.md", "worker/new one.py"]
    said = refusal("--out", str(out), cwd=tree)
    assert "no commit has what is in README.md, worker/new one.py: a release is made of" in said
    assert not out.exists()


@pytest.mark.parametrize("home", ["example.org", "http://example.org", "https://a b", f"{HOME}/"])
def test_a_homepage_that_is_no_address_is_refused(home: str, tmp_path: Path) -> None:
    assert f"{home!r} is no address" in refusal("--out", str(tmp_path), "--homepage", home)


def test_the_wheel_runs_a_job_where_no_source_is(dist: Path, clean: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"batchprocess-{__version__}.tar.gz") as source:
        source.extractall(tmp_path, filter="data")
    examples = tmp_path / f"batchprocess-{__version__}" / "examples"
    env = beside_the_dependencies()
    where = run(
        str(clean / "python"), "-c", "import batchprocess; print(batchprocess.__file__)", env=env
    )
    assert Path(where.strip()).is_relative_to(clean.parent)
    program = str(clean / "batchprocess")
    assert __version__ in run(program, "--version", cwd=tmp_path, env=env)
    run(program, "run", str(examples / "digits" / "job.yaml"), cwd=tmp_path, env=env)
    (success,) = tmp_path.rglob("_SUCCESS")
    run(program, "verify", str(success.parent), cwd=tmp_path, env=env)


def test_the_source_makes_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"batchprocess-{__version__}.tar.gz") as source:
        source.extractall(tmp_path, filter="data")
    source_folder = tmp_path / f"batchprocess-{__version__}"
    options = ("-q", "--wheel", "--no-build-isolation", "-o", str(tmp_path / "out"))
    run(sys.executable, "-m", "uv", "build", *options, str(source_folder))
    assert contents(tmp_path / "out" / WHEEL) == contents(dist / WHEEL)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_the_chart_in_it_says_what_the_folder_says(dist: Path) -> None:
    packed = dist / f"batchprocess-operator-{__version__}.tgz"
    made = run(str(HELM), "template", "name", str(packed))
    assert made == run(str(HELM), "template", "name", "charts/batchprocess-operator")


def about(packed: Path) -> dict[str, object]:
    read: dict[str, object] = yaml.safe_load(run(str(HELM), "show", "chart", str(packed)))
    return read


def test_the_chart_in_it_names_the_homepage_that_is_given(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"batchprocess-operator-{__version__}.tgz"
    named = about(dist / name)
    assert (named.pop("home"), named.pop("sources")) == (HOME, [HOME])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", time_of_commit())
    chart(tmp_path, None)
    assert about(tmp_path / name) == named


def test_the_plugins_manifest_names_the_archive_beside_it(dist: Path) -> None:
    manifest = yaml.safe_load((dist / "batchprocess.yaml").read_text())["spec"]
    packed = (dist / "kubectl-batchprocess.tar.gz").read_bytes()
    (platform,) = manifest["platforms"]
    assert manifest["version"] == f"v{__version__}"
    assert platform["sha256"] == hashlib.sha256(packed).hexdigest()
    address = f"https://example.org/releases/download/v{__version__}/kubectl-batchprocess.tar.gz"
    assert platform["uri"] == address


@pytest.mark.parametrize(
    ("bill", "lock"),
    [
        (f"batchprocess-{__version__}", "worker"),
        ("batchprocess-operator-image", "operator"),
        ("batchprocess-worker-image", "worker-image"),
    ],
)
def test_a_bill_names_all_that_its_lock_does(dist: Path, bill: str, lock: str) -> None:
    made = json.loads((dist / f"{bill}.cdx.json").read_text())
    assert (made["bomFormat"], made["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "batchprocess",
    )
    named = {(one["name"].lower(), one["version"]) for one in made["components"]}
    lines = (dist / f"requirements-{lock}.txt").read_text().splitlines()
    locked = {
        tuple(line.split()[0].partition(";")[0].split("=="))
        for line in lines
        if "==" in line and line[0].isalnum()
    }
    ours = {(name, about["version"]) for name, about in vendor.packages().items()}
    assert named == locked | ours


def test_a_bill_with_libraries_for_browsers_is_one_by_the_formats_schema(dist: Path) -> None:
    check = (
        "import sys; from cyclonedx.schema import SchemaVersion; "
        "from cyclonedx.validation.json import JsonStrictValidator; "
        "found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()); "
        "sys.exit(found and str(found))"
    )
    python = ROOT / ".cache" / "sbom" / "bin" / "python"
    bill = (dist / "batchprocess-operator-image.cdx.json").read_text()
    done = subprocess.run(
        [python, "-c", check], input=bill, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
