"""Text for `kubectl get`: short, and made for people only. Pure."""

from collections.abc import Iterable
from datetime import datetime

from batchprocess.api.status import Condition, Display
from batchprocess.kube.bad_news import worst
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.eta import Estimate

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def printer_columns(
    done: int,
    total: int | None,
    shards: Shards,
    speed: Estimate,
    now: datetime,
    reason: str = "",
) -> Display:
    """Progress, shards, rate, time left and what stands in the way, for the printer columns."""
    return Display(
        progress=f"{done}/{'?' if total is None else total}",
        shards=f"{len(shards.done)}/{shards.total}",
        rate="" if speed.rate is None else f"{short(speed.rate)}/s",
        eta="" if speed.end is None else span((speed.end - now).total_seconds()),
        reason=reason or None,
    )


def worst_reason(conditions: Iterable[Condition]) -> str:
    """Reason of the condition that stands most in the job's way; empty if none does."""
    found = worst(conditions)
    return "" if found is None else found.reason


def short(number: float) -> str:
    """1234 as 1.2k."""
    number = float(f"{number:.3g}")  # 999.9 is 1k, not 1e+03
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def span(seconds: float) -> str:
    """Two units at most, like kubectl's ages: 2h5m, 48s."""
    left = max(int(seconds), 0)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count}{unit}")
        if len(parts) == 2:
            break
    return "".join(parts) or "0s"
