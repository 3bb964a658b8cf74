"""SHA256SUMS, as `sha256sum --check` reads it."""

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def write_checksums(out: Path) -> list[str]:
    """Write the sums of all files in the folder; the lines that were written."""
    lines = [f"{_digest(path)}  {path.name}" for path in sorted(out.iterdir()) if path.name != NAME]
    (out / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
