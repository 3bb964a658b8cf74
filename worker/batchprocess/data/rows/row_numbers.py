"""Numbers of rows, as a loader asks for them."""

import operator
from collections.abc import Iterator, Sequence
from itertools import pairwise


def row_numbers(rows: Sequence[int], total: int) -> list[int]:
    """From 0 on, also where they count from the end; IndexError if one is not of `total` rows."""
    numbers = list(map(operator.index, rows))
    if numbers and -total <= min(numbers) and max(numbers) < total:
        return numbers if min(numbers) >= 0 else [row % total for row in numbers]
    for row in numbers:
        if not -total <= row < total:
            raise IndexError(f"row {row} of {total}")
    return numbers


def runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """First and end of each run of numbers that follow one another."""
    if not numbers:
        return
    first = numbers[0]
    if numbers == list(range(first, first + len(numbers))):  # nearly always
        yield first, first + len(numbers)
        return
    cuts = [at + 1 for at, (a, b) in enumerate(pairwise(numbers)) if b != a + 1]
    for start, stop in pairwise([0, *cuts, len(numbers)]):
        yield numbers[start], numbers[stop - 1] + 1
