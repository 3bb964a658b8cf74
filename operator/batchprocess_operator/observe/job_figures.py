"""What metrics say of one job: numbers of its status as last written. Pure.

Whoever may write a status can forge one, so nothing here is trusted to be of its kind or range.
Nor is a spec, which may be older than the CRD's present rules.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from batchprocess.api.status import State
from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.errors import InvalidArgument

SHARD_STATES = ("succeeded", "running", "failed", "pending")
_MAX_REASON = 64
_STATES = frozenset(get_args(State))


@dataclass(frozen=True, slots=True)
class Figures:
    """`created`, `eta`: seconds since 1970, None if unknown. `failed`, `stalled`: reasons, if any.

    `shards`: how many, in the order of SHARD_STATES. `rate` in rows a second. `working`: whether
    workers are wanted now. `bad_rows_limit`: None where none is left out, or rows are not counted.
    `reason`: what stands most in its way, as the status tells people.
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
    working: bool
    bad_rows: float
    bad_rows_limit: float | None
    eta: float | None = None
    reason: str = ""


def figures_of(
    meta: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]
) -> Figures:
    """Of an object's parts; a state that is none of ours counts as Pending."""
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
        working=state == "Running" and spec.get("parallelism") != 0,
        bad_rows=_number(status.get("badRows")),
        bad_rows_limit=_bad_rows_limit(spec, dataset),
        eta=_seconds(status.get("eta")),
        reason=_text(_mapping(status.get("display")).get("reason")),
    )


def _bad_rows_limit(spec: Mapping[str, Any], dataset: Mapping[str, Any]) -> float | None:
    policy, rows = _mapping(spec.get("failurePolicy")), _processed_rows(spec, dataset)
    said = policy.get("maxBadRows")
    if policy.get("onBadRow") != "skip" or not isinstance(said, int | str | None):
        return None
    if not rows and not isinstance(said, int):
        return None
    try:
        return BadRowLimit.of("skip", None if said is None else str(said), rows).most
    except InvalidArgument:
        return None


def _processed_rows(spec: Mapping[str, Any], dataset: Mapping[str, Any]) -> int:
    """At most: `maxBatches` bounds each shard."""
    rows, most = _number(dataset.get("rows")), _number(spec.get("maxBatches"))
    shards = _number(spec.get("shards", 1))
    return int(min(rows, most * shards * _number(dataset.get("batchSize"))) if most else rows)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value[:_MAX_REASON] if isinstance(value, str) else ""


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
