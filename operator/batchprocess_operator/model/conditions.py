"""Conditions of a job's status: which there are, and merging them without losing their times."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batchprocess.api.status import Condition
from batchprocess.plain_text import plain

MAX_REASON = 128
_MAX_READ = 1_024


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be said now; when it became so is the merge's business."""

    type: str
    true: bool
    reason: str
    message: str = ""


def merge(
    before: Iterable[Condition], facts: Iterable[Fact], *, generation: int, now: datetime
) -> list[Condition]:
    """Conditions for `facts`, in their order; lastTransitionTime moves only when status does.

    A type that no fact names is gone: absent and Unknown mean the same to readers.
    """
    known = {one.type: one for one in before}
    return [_condition(known.get(fact.type), fact, generation, now) for fact in facts]


def by_type(conditions: Iterable[Condition]) -> Mapping[str, Condition]:
    """Conditions by their type."""
    return {one.type: one for one in conditions}


def is_told_beside(conditions: Iterable[Condition], one: Condition) -> bool:
    """Whether PodsFailed or PodsStarting says the same: then this is no news."""
    known = by_type(conditions)
    others = (known[kind] for kind in ("PodsFailed", "PodsStarting") if kind in known)
    return any(other.reason == one.reason for other in others)


def _reason_of(reason: str) -> str:
    """Events, which tenants may write as well, have reasons that are no word, and of any length."""
    return re.sub(r"^[^A-Za-z]+|[^A-Za-z0-9_]", "", reason[:_MAX_READ])[:MAX_REASON] or "Unknown"


def _condition(before: Condition | None, fact: Fact, generation: int, now: datetime) -> Condition:
    status: Literal["True", "False"] = "True" if fact.true else "False"
    since = now if before is None or before.status != status else before.last_transition_time
    return Condition(
        type=fact.type,
        status=status,
        reason=_reason_of(fact.reason),
        message=plain(fact.message),
        last_transition_time=since,
        observed_generation=generation,
    )
