"""A file of row numbers, which a person has written: one a line."""

from pathlib import Path

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.rows.settings import MAX_SKIPPED

_MAX_BYTES = 1 << 20


def read_skipped_rows(path: Path) -> list[int]:
    """Ascending, each once; blank lines and what follows a # are no numbers.

    Raises InvalidArgument with the line that is none, and for a file that is none, or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidArgument(f"--skip-rows {path}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise InvalidArgument(f"--skip-rows {path} has more than {_MAX_BYTES} bytes")
    lines = data.decode(errors="replace").splitlines()
    found = {_row(text, path, number) for number, text in enumerate(lines, start=1)} - {None}
    rows = sorted(row for row in found if row is not None)
    if not rows:
        raise InvalidArgument(f"--skip-rows {path} has no row: write numbers, one a line")
    return rows


def require_few(rows: list[int]) -> list[int]:
    """Raise InvalidArgument for more rows than a job may leave out by hand."""
    if len(rows) > MAX_SKIPPED:
        raise InvalidArgument(
            f"--skip-rows: {len(rows)} rows are left out by hand, and {MAX_SKIPPED} may be: have "
            "the dataset leave out more, or name them in the job by context.fail"
        )
    return rows


def _row(text: str, path: Path, number: int) -> int | None:
    digits = text.partition("#")[0].strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 16 or int(digits) > MAX_COUNT:
        raise InvalidArgument(
            f"--skip-rows {path}: line {number} is {digits!r:.100} and must be the number of a row "
            "of the dataset, counted from 0"
        )
    return int(digits)
