"""What has become of one try to deliver a message, in words that a tenant may read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 3_600.0
_OF_MESSAGE = frozenset({400, 409, 413, 415, 422})
"""Answers that say that this message is not taken; others may be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`why`: empty if it was taken. `of_message`: the destination takes others, as far as is known.

    `retry_after`: seconds that the destination asked to be left alone.
    """

    why: str = ""
    of_message: bool = False
    retry_after: float = 0.0


def answered(code: int, headers: Mapping[str, str], now: datetime) -> Outcome:
    """Of an answer's first lines: its body says nothing that we need."""
    if 200 <= code < 300:
        return Outcome()
    if 300 <= code < 400:
        return Outcome(f"it answered {code}, and redirects are not followed")
    wait = _retry_after(headers.get("Retry-After", ""), now)
    return Outcome(f"it answered {code}", code in _OF_MESSAGE, wait)


def _retry_after(text: str, now: datetime) -> float:
    """Seconds, or a date; what is neither, or past, is 0."""
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return min(float(text), MAX_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text[:64])
    except (ValueError, OverflowError):
        return 0.0
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER)
