"""Where the time of all attempts goes, by their last reports. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from batchprocess.protocol.progress import ShardProgress
from batchprocess.protocol.spent import Spent, advice, sum_of
from batchprocess_operator.page.views import words

_PARTS = (
    ("device", "computing on the device"),
    ("user", "your code"),
    ("data", "waiting for data"),
    ("storage", "waiting for storage"),
)
_BESIDE = ("waiting", "waiting for batches under way")
"""In place of the device, where batches run side by side."""
PHASES = {"hook": "in a hook", "storage": "waiting for storage", "indexing": "counting rows"}
"""What workers do, where the protocol's word is not the people's."""


@dataclass(frozen=True, slots=True)
class Share:
    """One kind of time: of all, as percent, and how long that is in all attempts together."""

    name: str
    percent: int
    time: str


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """`shards`: how many have told; `phases`: what those at work do now. `hint`: what to change."""

    shares: Sequence[Share]
    shards: int
    phases: str
    hint: str


def time_spent(reports: Iterable[ShardProgress]) -> TimeSpent:
    """Of the newest report on each shard."""
    told = list(reports)
    found = [one.spent for one in told if one.spent is not None and _sensible(one.spent)]
    total = sum_of(found)
    shares = [
        Share(
            name,
            words.percent(getattr(total, part), total.total),
            words.duration(getattr(total, part)) or "0s",
        )
        for part, name in ((_BESIDE, *_PARTS[1:]) if total.waiting else _PARTS)
        if total.total > 0
    ]
    phases = Counter(
        PHASES.get(one.phase, one.phase) for one in told if not one.sealed and one.phase != "done"
    )
    return TimeSpent(
        shares=shares,
        shards=len(found),
        phases=", ".join(f"{words.count(number)} {name}" for name, number in phases.most_common()),
        hint=advice(total) or "",
    )


def _sensible(spent: Spent) -> bool:
    """A pod can say anything."""
    parts = (spent.data, spent.device, spent.user, spent.storage, spent.waiting)
    return all(isfinite(one) and 0 <= one < 1e12 for one in parts)
