"""What is kept of a row that was left out, as a line of JSON (docs/protocol.md, "Bad rows").

All text in it is foreign: of files, of libraries, of user code. It is cut and cleaned when a
`BadRow` is made, so that none of it can be too large to keep, or do harm where it is shown.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictInt, StrictStr, ValidationError

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.json_values import Count, as_readable

MAX_ID, MAX_FILE, MAX_TYPE, MAX_MESSAGE = 1_000, 4_000, 200, 1_000
MAX_TRACEBACK = 4_000
"""All in characters. Of a traceback the end is kept, of everything else the beginning."""
MAX_LINE_BYTES = 1 << 16
"""Of a bad row as JSON; none can have more."""
MAX_TRACEBACKS = 1_000
"""Of a commit; of bad rows after these no traceback is kept, and less of the message."""
_BRIEF = 200
_CUT = "..."
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Controls of terminals, and what turns the direction of text; not the tab and the new line."""
_INT64 = range(-(2**63), 2**64)
Stage = Literal["reading", "collating", "process_batch"]
"""Where a row has failed."""
KeptStage = Literal["reading", "collating", "process_batch", "skipped"]
"""The same, or nowhere: the job leaves it out by hand."""


def _name(limit: int) -> BeforeValidator:
    """Kept as it is if it is Unicode and not too long."""
    return BeforeValidator(lambda given: _cut(given, limit, as_readable))


def _shown(limit: int) -> BeforeValidator:
    return BeforeValidator(lambda given: _cut(given, limit, clean))


def _cut(given: Any, limit: int, clean: Callable[[str], str]) -> Any:
    if not isinstance(given, str):
        return given
    # Cut before it is cleaned, too: it may be of any size.
    text = clean(given[: limit + 1])
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def _end(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    text = clean(given[-MAX_TRACEBACK - 1 :])
    return text if len(text) <= MAX_TRACEBACK else _CUT + text[len(_CUT) - MAX_TRACEBACK :]


def clean(text: str) -> str:
    return _UNSEEN.sub(lambda found: repr(found[0])[1:-1], as_readable(text))


def _identifier(given: Any) -> Any:
    """A whole number of at most 64 bits stays one; numpy's are whole numbers too."""
    if given is None or isinstance(given, str):
        return _cut(given, MAX_ID, as_readable)
    try:
        number = operator.index(given)
    except TypeError:
        return _cut(str(given), MAX_ID, as_readable)
    return number if number in _INT64 else hex(number)[:MAX_ID]


class BadRow(BaseModel):
    """A row that is left out. `row`: of the dataset; `batch`: of the shard, as `process_batch` has.

    `id`: what the dataset calls it; `file`: where it comes from; both None where nobody says.
    `type`: the exception's class, empty for a skipped one. Texts are cut where they are longer, and
    what no terminal should be sent is escaped in the last three. Raises ValidationError for a row
    or batch that is none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    row: Count
    id: Annotated[StrictInt | StrictStr | None, BeforeValidator(_identifier)] = None
    file: Annotated[str | None, _name(MAX_FILE)] = None
    batch: Count
    stage: KeptStage
    type: Annotated[str, _shown(MAX_TYPE)]
    message: Annotated[str, _shown(MAX_MESSAGE)] = ""
    traceback: Annotated[str, BeforeValidator(_end)] = ""

    def brief(self) -> "BadRow":
        """Without its traceback, and with less of its message."""
        return self.model_copy(
            update={"traceback": "", "message": _cut(self.message, _BRIEF, clean)}
        )


def encode_bad_rows(rows: Iterable[BadRow]) -> bytes:
    """A line of JSON for each, in the order of the dataset."""
    ordered = sorted(rows, key=lambda one: one.row)
    return b"".join(one.model_dump_json().encode() + b"\n" for one in ordered)


def decode_bad_rows(lines: Iterable[bytes], where: str) -> Iterator[BadRow]:
    """The bad rows in the lines of the object `where`.

    VerificationError names the line that is none, or that is not behind the one before it.
    """
    last = -1
    for number, line in enumerate(lines, start=1):
        try:
            found = BadRow.model_validate_json(line)
        except ValidationError as error:
            raise VerificationError(
                f"{where}: line {number} is no bad row: {error.errors()[0]['msg']}"
            ) from error
        if found.row <= last:
            raise VerificationError(f"{where}: line {number} has row {found.row} after {last}")
        last = found.row
        yield found
