"""Batches read beside the event loop, and rows alone in between."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from batchprocess.sdk.attempt.concurrent.batch_reader import BatchReader, Read


class FakeFeed:
    """Gives numbers, and rows of a batch as texts."""

    def __init__(self, total: int = 10) -> None:
        self._coming: list[Any] = list(range(total))
        self.total = total

    def next_batch(self) -> Any:
        return self._coming.pop(0)

    def batch_done(self) -> None:
        pass

    def read_alone(self, batch: int, rows: Sequence[int], then: int | None = None) -> None:
        self._coming = [f"{batch}/{row}" for row in rows] + list(range(then or 0, self.total))

    def close(self) -> None:
        pass


async def taken(reader: BatchReader) -> Read:
    while (read := reader.next_if_ready()) is None:
        await asyncio.sleep(0.001)
    return read


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_no_batch_is_lost_around_rows_that_are_read_alone(beside: bool, asked: bool) -> None:
    """`asked`: one more batch is on its way by then."""

    async def main() -> list[Any]:
        reader, found = BatchReader(FakeFeed(), lambda: None, beside=beside), list[Any]()
        while len(found) < 6:
            found.append((await taken(reader)).batch)
        if asked and (read := reader.next_if_ready()) is not None:
            found.append(read.batch)
        for batch in (2, 4):  # one right behind the other
            await reader.read_alone(batch, [20, 21], len(found))
            alone = [(await reader.next_alone()).batch for _ in range(2)]
            reader.end_alone()
            assert alone == [f"{batch}/20", f"{batch}/21"]
        while len(found) < 10:
            found.append((await taken(reader)).batch)
        reader.close()
        return found

    assert asyncio.run(main()) == list(range(10))


@pytest.mark.parametrize("beside", [False, True])
def test_what_reading_raises_is_given_and_not_raised(beside: bool) -> None:
    async def main() -> Read:
        reader = BatchReader(FakeFeed(0), lambda: None, beside=beside)
        read = await taken(reader)
        reader.close()
        return read

    assert isinstance(asyncio.run(main()).error, IndexError)
