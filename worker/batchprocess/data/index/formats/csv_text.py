"""What a CSV file's bytes mean: the `csv` module's dialect, with nothing dropped.

Fields are in quotes or not; in quotes they may have delimiters and line feeds, and a quote is
written twice. A quote within a field that does not begin with one is a character as any other.
"""

import csv
import io
from collections.abc import Iterable, Iterator

from batchprocess.data.index.line_index import BOM, MAX_LINE
from batchprocess.protocol.errors import InvalidArgument

MAX_HEADER = 1 << 20
DELIMITERS = (",", ";", "\t", "|")


def parse_records(text: str, delimiter: str) -> list[list[str]]:
    """Fields of all records; an empty line is none. Raises csv.Error and never guesses."""
    _allow_long_fields()
    # Not splitlines: a field may have whatever else ends lines elsewhere.
    lines = io.StringIO(text, newline="\n")
    return [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]


def record_spans(lines: Iterable[bytes], delimiter: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each record, of those too that cannot be parsed; an empty line is none.

    lines: each with its line feed. Nothing is read ahead.
    """
    _allow_long_fields()
    begin = end = 0

    def texts() -> Iterator[str]:
        nonlocal end
        for line in lines:
            end += len(line)
            yield line.decode("latin-1")  # a character for each byte

    reader = csv.reader(texts(), delimiter=delimiter)
    while True:
        try:
            is_record = bool(next(reader))
        except StopIteration:
            return
        except csv.Error:  # it has dropped the line, and begins anew with the next
            is_record = True
        if is_record:
            yield begin, end
        begin = end


def parse_header(content: bytes, name: str, delimiter: str) -> tuple[str, ...]:
    """The columns' names; InvalidArgument if they are none, or a row would lose a value by them."""
    if len(content) > MAX_HEADER:
        raise InvalidArgument(
            f"{name}: the header has {len(content):,} bytes, at most {MAX_HEADER:,} are allowed: "
            "has the file one, and are its quotes closed?"
        )
    try:
        (names,) = parse_records(content.removeprefix(BOM).decode(), delimiter)
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{name}: the header is not UTF-8 (byte {error.start})") from error
    except csv.Error as error:
        raise InvalidArgument(f"{name}: the header is no CSV ({error})") from error
    for at, column in enumerate(names):
        why = _why_no_name(column, names[:at])
        if why:
            raise InvalidArgument(f"{name}: the header's column {at + 1} {why}: give it its own")
    return tuple(names)


def _why_no_name(column: str, before: list[str]) -> str:
    if not column:
        return "has no name"
    if "\0" in column:
        return f"{column!r} has a NUL character in its name"
    if column in before:
        return f"has the name {column!r} of column {before.index(column) + 1}"
    return ""


def _allow_long_fields() -> None:
    """It is the whole process's limit, and for a user's own reading never lowered."""
    if csv.field_size_limit() <= MAX_LINE:
        csv.field_size_limit(MAX_LINE + 1)
