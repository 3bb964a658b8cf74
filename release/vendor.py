"""Libraries of others that browsers get from the operator: `python -m release.vendor`, needs npm.

`packages.json` beside them says of which package, version and licence each is, and the package's
integrity. The files are part of the repository, as they are published, so that an image and an
installation need no npm; this makes them again, or says what is not the same.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from release.packages import ROOT

FOLDER = ROOT / "operator" / "batchprocess_operator" / "page" / "static" / "vendor"


class VendorError(Exception):
    """A package, or a file, that is not what packages.json says; names it and what is wrong."""


def packages(folder: Path = FOLDER) -> Mapping[str, Any]:
    """By their names."""
    found: Mapping[str, Any] = json.loads((folder / "packages.json").read_text())
    return found


def check_integrity(name: str, archive: bytes, integrity: str) -> None:
    """As npm does: `sha512-` and the digest in base64. Raises VendorError."""
    found = f"sha512-{base64.b64encode(hashlib.sha512(archive).digest()).decode()}"
    if found != integrity:
        raise VendorError(f"{name} has integrity {found}, and packages.json says {integrity}")


def files_of(name: str, about: Mapping[str, Any], archive: Path) -> Iterator[tuple[str, bytes]]:
    """Our name and content of each file that is taken of a package. Raises VendorError."""
    with tarfile.open(archive) as opened:
        for inside, kept in about["files"].items():
            try:
                member = opened.extractfile(f"package/{inside}")
            except KeyError:
                member = None
            if member is None:
                raise VendorError(f"{name} {about['version']} has no file {inside}")
            content = member.read()
            if hashlib.sha256(content).hexdigest() != kept["sha256"]:
                raise VendorError(f"{inside} of {name} is not the one that packages.json names")
            yield kept["as"], content


def fetched(name: str, version: str, into: Path) -> Path:
    """The package as npm gets it from wherever it is set up to."""
    command = ("npm", "pack", "--silent", f"{name}@{version}")
    done = subprocess.run(command, cwd=into, check=True, capture_output=True, text=True)
    return into / done.stdout.split()[-1]


def main() -> None:
    """Fetch, check, and write or compare."""
    parser = argparse.ArgumentParser(prog="python -m release.vendor", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail at a difference")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        for name, about in packages().items():
            archive = fetched(name, about["version"], Path(folder))
            check_integrity(name, archive.read_bytes(), about["integrity"])
            for ours, content in files_of(name, about, archive):
                if not check:
                    (FOLDER / ours).write_bytes(content)
                elif (FOLDER / ours).read_bytes() != content:
                    raise VendorError(f"{ours} is not that of {name} {about['version']}")


if __name__ == "__main__":
    main()
