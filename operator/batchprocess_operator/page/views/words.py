"""Numbers, times and foreign text as people read them, whatever they are. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from batchprocess.plain_text import plain
from batchprocess_operator.status.printer_columns import short, span

_CENTURY = 100 * 365 * 86_400
MAX_TEXT = 1_024


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: how long ago or ahead for people, and in full."""

    ago: str
    exact: str


def count(number: object) -> str:
    """1,234; how large it is, where nobody counts any more; ? of what is no number."""
    if not isinstance(number, int | float):
        return "?"
    try:
        value = float(number)
    except OverflowError:
        return "?"
    if not math.isfinite(value):
        return "?"
    return f"{value:,.0f}" if abs(value) < 1e12 else f"{value:.3g}"


def rate(number: float) -> str:
    """1.2k/s; empty where nothing is known."""
    return f"{short(number)}/s" if math.isfinite(number) and number > 0 else ""


def percent(done: float, total: float) -> int:
    """0 to 100, and 100 only when all is done; 0 where the total is not known."""
    if not total > 0 or not math.isfinite(total) or not math.isfinite(done):
        return 0
    return 100 if done >= total else min(int(max(done, 0) / total * 100), 99)


def duration(seconds: float | None) -> str:
    """2h5m; empty where nothing is known, or nothing sensible."""
    if seconds is None or not 0 <= seconds <= _CENTURY:
        return ""
    return span(seconds)


def moment(time: datetime | float | None, now: datetime) -> Moment | None:
    """When something was, or is to be."""
    if time is None:
        return None
    try:
        at = time if isinstance(time, datetime) else datetime.fromtimestamp(time, UTC)
        return Moment(span(abs((now - at).total_seconds())), f"{at:%Y-%m-%d %H:%M:%S} UTC")
    except (OverflowError, ValueError, OSError, TypeError):
        return None


def text(value: object, limit: int = MAX_TEXT) -> str:
    """Foreign text without what would act on a screen, cut; templates escape it."""
    said = plain(str(value)[: limit + 1], limit + 1)
    return said if len(said) <= limit else f"{said[: limit - 1]}…"
