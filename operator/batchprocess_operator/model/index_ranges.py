"""Sets of small numbers as text, the way Kubernetes writes completedIndexes: `0-3,7`."""

from collections.abc import Iterable

LIMIT = 10_000
"""Numbers are below it: no job has more shards, and a text may have been written by anybody."""


def parse_ranges(text: str | None) -> frozenset[int]:
    """The numbers in `0-3,7`; none for an empty or missing text. Raises ValueError."""
    numbers: set[int] = set()
    named = 0
    for part in (text or "").split(","):
        first, dash, last = part.partition("-")
        if first:
            end = int(last if dash else first)
            if end >= LIMIT:
                raise ValueError(f"{part} in a list of shards: they are below {LIMIT}")
            # Each once: a text of repeated ranges would keep everybody waiting.
            named += max(end - int(first) + 1, 1)
            if named > LIMIT:
                raise ValueError(f"a list of shards names more than {LIMIT}")
            numbers.update(range(int(first), end + 1))
    return frozenset(numbers)


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
