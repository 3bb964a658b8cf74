"""What the pages have people run works in the environment that `make demo` makes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def test_the_demos_environment_can_save_parquet() -> None:
    assert '.save("doubled.parquet"' in (ROOT / "README.md").read_text()
    for lock in ("worker.txt", "worker-image.txt"):
        assert re.search(r"^pyarrow==", (ROOT / "requirements" / lock).read_text(), re.M)


def test_the_demos_environment_can_read_safetensors_back() -> None:
    assert "| `.safetensors` |" in (ROOT / "docs" / "saving.md").read_text()
    assert re.search(r"^safetensors==", (ROOT / "requirements" / "worker.txt").read_text(), re.M)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_a_hash_for_every_pin_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==.*?(?=^\S|\Z)", text, re.M | re.S)
    assert pins
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
    assert not re.search(r"://|^--", text, re.M)


DOCKERFILES = [*sorted(ROOT.glob("Dockerfile.*")), ROOT / "testcluster" / "Dockerfile.torch"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_installs_what_a_lock_has_by_its_hash_and_nothing_else(path: Path) -> None:
    text = path.read_text().replace("\\\n", "")
    installs = re.findall(r"pip install (.*?)(?:&&|$)", text, re.M)
    locked = [one for one in installs if "--require-hashes -r " in one]
    ours = [one for one in installs if "--no-deps " in one and one.split()[-1].endswith("/*.whl")]
    assert locked
    assert sorted(locked + ours) == sorted(installs)
    assert text.count("pip wheel") == text.count("--no-deps --no-build-isolation")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_base_is_a_build_argument_and_named_by_its_digest(path: Path) -> None:
    text = path.read_text()
    (base,) = re.findall(r"^ARG BASE(.*)$", text, re.M)
    assert base == "" or re.fullmatch(r"=[\w./:-]+@sha256:[0-9a-f]{64}", base)
    stages = set(re.findall(r" AS (\w+)$", text, re.M)) | {"${BASE}"}
    assert set(re.findall(r"^FROM (\S+)", text, re.M)) <= stages


def test_the_workers_image_leaves_the_torch_and_numpy_of_its_base_alone() -> None:
    names = re.findall(
        r"^([\w.-]+)==", (ROOT / "requirements" / "worker-image.txt").read_text(), re.M
    )
    assert {"boto3", "pydantic", "click"} <= set(names)
    assert not {"torch", "numpy"} & set(names)


def test_one_package_has_one_version_in_all_locks_of_what_runs() -> None:
    found: dict[str, set[str]] = {}
    for lock in LOCKS:
        if lock.name in ("airflow.txt", "audit.txt", "bootstrap.txt", "sbom.txt"):
            continue
        for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", lock.read_text(), re.M):
            found.setdefault(name, set()).add(version)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}
