"""`0-3,7`, as the operator writes which shards a retry works on. Pure."""

from batchprocess.api.scalars import MAX_SHARDS


def parse_ranges(text: str) -> list[int]:
    """The numbers in order; none for a text that the operator has not written."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and len(first + last) < 20):
            return []
        if int(last) >= MAX_SHARDS or len(numbers) + int(last) - int(first) >= MAX_SHARDS:
            return []
        numbers += range(int(first), int(last) + 1)
    return numbers
