"""Libraries of others are as their packages have them."""

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from release.vendor import FOLDER, VendorError, check_integrity, files_of, packages


def test_every_file_is_one_that_packages_json_names_and_is_as_it_was_published():
    named = {
        one["as"]: one["sha256"] for about in packages().values() for one in about["files"].values()
    }
    there = {path.name: path for path in FOLDER.iterdir() if path.name != "packages.json"}
    assert there.keys() == named.keys()
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()}
    assert found == named


@pytest.mark.parametrize("name", packages())
def test_a_package_has_a_version_a_licence_with_its_text_and_an_integrity(name: str):
    about = packages()[name]
    assert about["licence"] in ("0BSD", "MIT")
    assert "LICENSE" in about["files"]
    assert len(base64.b64decode(about["integrity"].removeprefix("sha512-"))) == 64
    assert set(about["version"]) <= set("0123456789.")


def test_nothing_names_a_place_of_packages():
    text = json.dumps(packages())
    assert "://" not in text


def archive(folder: Path, content: bytes) -> Path:
    path = folder / "made.tgz"
    with tarfile.open(path, "w:gz") as made:
        member = tarfile.TarInfo("package/a.js")
        member.size = len(content)
        made.addfile(member, io.BytesIO(content))
    return path


def test_a_package_that_has_changed_is_refused(tmp_path: Path):
    made = archive(tmp_path, b"one")
    right = base64.b64encode(hashlib.sha512(made.read_bytes()).digest()).decode()
    check_integrity("it", made.read_bytes(), f"sha512-{right}")
    with pytest.raises(VendorError, match="it has integrity"):
        check_integrity("it", b"another", f"sha512-{right}")


@pytest.mark.parametrize("inside", ["a.js", "b.js"])
def test_a_file_that_is_another_or_none_is_refused(tmp_path: Path, inside: str):
    about = {"version": "1", "files": {inside: {"as": "a.js", "sha256": "0" * 64}}}
    with pytest.raises(VendorError, match=inside):
        list(files_of("it", about, archive(tmp_path, b"one")))


def test_a_file_is_taken_by_its_own_name(tmp_path: Path):
    digest = hashlib.sha256(b"one").hexdigest()
    about = {"version": "1", "files": {"a.js": {"as": "ours.js", "sha256": digest}}}
    assert list(files_of("it", about, archive(tmp_path, b"one"))) == [("ours.js", b"one")]
