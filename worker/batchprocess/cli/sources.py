"""By which source the shards of a run were worked on, where it was changed in the middle."""

from typing import Any

from batchprocess.cli.output import plural
from batchprocess.runs.local_runs import Standing

_SHOWN = 12
_MAX_SHARDS, _MAX_SOURCES = 10, 5


def other_sources(standing: Standing) -> dict[str, list[int]]:
    """Digest -> shards whose last record is of an attempt with that source, not the run's."""
    found: dict[str, list[int]] = {}
    first = None if standing.run is None else standing.run.source
    for shard, head in enumerate(standing.heads):
        source = None if head is None else head.record.source
        if source is not None and first is not None and source != first:
            found.setdefault(source, []).append(shard)
    return found


def as_json(standing: Standing) -> dict[str, Any] | None:
    """For programs; None for a run that was begun without `spec.source`."""
    if standing.run is None or standing.run.source is None:
        return None
    return {"first": standing.run.source, "others": other_sources(standing)}


def print_sources(standing: Standing) -> None:
    """A line, only where there are others."""
    others = other_sources(standing)
    if not others or standing.run is None:
        return
    named = [_named(*one) for one in list(others.items())[:_MAX_SOURCES]]
    more = len(others) - len(named)
    named += [f"{plural(more, 'source')} more"] if more else []
    begun = (standing.run.source or "")[:_SHOWN]
    print(f"source: changed since the run was begun with {begun}: {'; '.join(named)}")


def _named(source: str, shards: list[int]) -> str:
    numbers = ", ".join(map(str, shards[:_MAX_SHARDS]))
    more = len(shards) - _MAX_SHARDS
    last = f"{numbers} and {more} more" if more > 0 else numbers
    return f"{source[:_SHOWN]!r} in the last record of shards {last}"
