"""Sets of small numbers as text, the way Kubernetes writes completedIndexes: `0-3,7`. Pure."""

import re
from collections.abc import Iterable

from batchprocess.api.scalars import MAX_SHARDS

LIMIT = MAX_SHARDS
"""Numbers are below it: no job has more shards, and a text may have been written by anybody."""
_PART = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def parse_ranges(text: str | None) -> frozenset[int]:
    """The numbers in `0-3,7`; none for an empty or missing text.

    Raises ValueError for what neither Kubernetes nor the operator writes.
    """
    numbers: set[int] = set()
    named = 0
    for part in text.split(",") if text else ():
        first, last = _ends(part)
        # Each once: a text of repeated ranges would keep everybody waiting.
        named += last - first + 1
        if named > LIMIT:
            raise ValueError(f"a list of shards names more than {LIMIT}")
        numbers.update(range(first, last + 1))
    return frozenset(numbers)


def _ends(part: str) -> tuple[int, int]:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(f"{part!r:.40} in a list of shards: it takes a number, or two as 0-3")
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    if not first <= last < LIMIT:
        raise ValueError(f"{part} in a list of shards: they grow, and are below {LIMIT}")
    return first, last


def format_ranges(numbers: Iterable[int]) -> str:
    """`0-3,7` for 0, 1, 2, 3, 7; neighbours that are only two stand as `0,1`, as in Kubernetes."""
    parts: list[str] = []
    run: list[int] = []
    for number in [*sorted(set(numbers)), None]:
        if number is not None and run and number == run[-1] + 1:
            run.append(number)
            continue
        parts += _run(run)
        run = [] if number is None else [number]
    return ",".join(parts)


def _run(run: list[int]) -> list[str]:
    if len(run) > 2:
        return [f"{run[0]}-{run[-1]}"]
    return [str(number) for number in run]
