"""How many bad rows a run may have: `failurePolicy.maxBadRows`, a number or a part of its rows."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Self

from batchprocess.protocol.errors import InvalidArgument, TooManyBadRows

PERCENT = r"^(100|[0-9]{1,2}(\.[0-9]{1,6})?)%$"
DEFAULT_WITH_SKIP = "1%"
_NUMBER = re.compile(r"[0-9]{1,16}")
OnBadRow = Literal["fail", "skip"]


@dataclass(frozen=True, slots=True)
class BadRowLimit:
    """`said`: as the job says it; `most`: bad rows that this allows in a run of `rows` rows."""

    said: str
    rows: int
    most: int

    @classmethod
    def of(cls, on_bad_row: OnBadRow, max_bad_rows: str | None, rows: int) -> Self:
        """Raises InvalidArgument for what is no limit. A job that skips none allows none."""
        said = max_bad_rows or (DEFAULT_WITH_SKIP if on_bad_row == "skip" else "0")
        return cls(said, rows, _most(said, rows))

    def require(self, bad: int, whose: str) -> None:
        """Raise TooManyBadRows if `bad` committed rows of `whose` are more than this allows."""
        if bad <= self.most:
            return
        counted = f"{self.said} of {self.rows} rows: {self.most}" if "%" in self.said else self.said
        raise TooManyBadRows(
            f"{whose} has {bad} bad rows, and failurePolicy.maxBadRows allows {counted}; "
            "batchprocess results --errors names each. What is committed stays: with a higher "
            "maxBadRows another try goes on"
        )


def _most(said: str, rows: int) -> int:
    if re.match(PERCENT, said):
        part = Fraction(said.removesuffix("%"))
        # Of few rows a small part is none, and one bad row is what the limit is there to allow.
        return max(int(rows * part / 100), 1 if part else 0)
    if _NUMBER.fullmatch(said):
        return int(said)
    raise InvalidArgument(
        f"failurePolicy.maxBadRows is {said!r:.100} and must be a number of rows or a percentage "
        'of the run\'s rows, such as 100 or "0.5%"'
    )
