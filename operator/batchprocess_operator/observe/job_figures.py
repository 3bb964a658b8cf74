"""What metrics say of one job: numbers of its status as last written. Pure.

Whoever may write a status can forge one, so nothing here is trusted to be of its kind or range.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from batchprocess.api.status import State

SHARD_STATES = ("succeeded", "running", "failed", "pending")
_STATES = frozenset(get_args(State))


@dataclass(frozen=True, slots=True)
class Figures:
    """`created` in seconds since 1970, None if unknown. `failed`, `stalled`: reasons, empty if not.

    `shards`: how many, in the order of SHARD_STATES. `rate` in rows a second.
    """

    state: str
    created: float | None
    failed: str
    stalled: str
    shards: tuple[float, ...]
    rate: float
    batch_size: float
    rows: float
    batches: float
    all_batches: float
    lost_batches: float
    attempts: float


def figures_of(meta: Mapping[str, Any], status: Mapping[str, Any]) -> Figures:
    """Of an object's metadata and status; a state that is none of ours counts as Pending."""
    state, shards = status.get("state"), _mapping(status.get("shards"))
    batches, dataset = _mapping(status.get("batches")), _mapping(status.get("dataset"))
    conditions = status.get("conditions")
    reasons = {
        str(one.get("type")): str(one.get("reason"))
        for one in (conditions if isinstance(conditions, list) else ())
        if isinstance(one, Mapping) and one.get("status") == "True"
    }
    return Figures(
        state=state if isinstance(state, str) and state in _STATES else "Pending",
        created=_seconds(meta.get("creationTimestamp")),
        failed=reasons.get("Failed", ""),
        stalled=reasons.get("Stalled", ""),
        shards=tuple(_number(shards.get(name)) for name in SHARD_STATES),
        rate=_number(status.get("rate")),
        batch_size=_number(dataset.get("batchSize")),
        rows=_number(status.get("rows")),
        batches=_number(batches.get("done")),
        all_batches=_number(batches.get("total")),
        lost_batches=_number(status.get("lostWork")),
        attempts=_number(status.get("attempts")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    """0 for what is none, or no sensible one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) and number >= 0 else 0.0


def _seconds(time: Any) -> float | None:
    try:
        return datetime.fromisoformat(time).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
