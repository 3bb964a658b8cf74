"""Makes what krew installs: an archive, the same bytes each time, and the manifest that names it.

    python krew/make_plugin.py --version 0.1.0 --homepage https://... --uri https://... --out dist

In `--out` then are the archive, named like the program, and the manifest, named like the plugin.
"""

import argparse
import gzip
import hashlib
import io
import re
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM, MANIFEST, LICENSE = "kubectl-batchprocess", "plugin.yaml", "LICENSE"
PLUGIN = PROGRAM.removeprefix("kubectl-")


def archive(version: str) -> bytes:
    """The program and the licence, owned by nobody and of no time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        program = (HERE / PROGRAM).read_text(encoding="utf-8")
        _add(tar, PROGRAM, _filled(program, VERSION=version).encode(), 0o755)
        _add(tar, LICENSE, (HERE.parent / LICENSE).read_bytes(), 0o644)
    return gzip.compress(packed.getvalue(), mtime=0)


def _add(tar: tarfile.TarFile, name: str, body: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(body), mode
    tar.addfile(entry, io.BytesIO(body))


def manifest(version: str, homepage: str, uri: str, packed: bytes) -> str:
    """The manifest of the archive `packed`, which lies at `uri`."""
    text = (HERE / MANIFEST).read_text(encoding="utf-8")
    digest = hashlib.sha256(packed).hexdigest()
    return _filled(text, VERSION=version, HOMEPAGE=homepage, URI=uri, SHA256=digest)


def _filled(text: str, **values: str) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    left = re.findall(r"@[A-Z0-9]+@", text)
    if left:
        raise ValueError(f"nothing was given for {', '.join(left)}")
    return text


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("version", "homepage", "uri"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    packed = archive(given.version)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{PROGRAM}.tar.gz").write_bytes(packed)
    made = manifest(given.version, given.homepage, given.uri, packed)
    (given.out / f"{PLUGIN}.yaml").write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
