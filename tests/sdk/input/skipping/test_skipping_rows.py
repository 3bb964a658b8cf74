"""Which rows of a batch cannot be read, or not collated, and what the rest is made of."""

import errno
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from batchprocess.data import parquet
from batchprocess.sdk.input.columns import collate_of
from batchprocess.sdk.input.named_rows import FailedRead
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.input.skipping.skipping_rows import SkippingRows

BAD = {3, 4, 9}


class Alone:
    """Rows by number; those in BAD raise."""

    def __init__(self, bad: set[int] = BAD) -> None:
        self.bad, self.asked = bad, []  # type: ignore[var-annotated]

    def __len__(self) -> int:
        return 100

    def __getitem__(self, row: int) -> int:
        self.asked.append([row])
        if row in self.bad:
            raise ValueError(f"row {row}")
        return row


class Together(Alone):
    """Read several at a time."""

    def __getitems__(self, rows: Sequence[int]) -> list[int]:
        self.asked.append(list(rows))
        for row in rows:
            if row in self.bad:
                raise ValueError(f"row {row}")
        return list(rows)


def read(dataset: Any, rows: Sequence[int], collate: Any = list) -> Any:
    return SkippingRows(dataset, collate).__getitems__(rows)


class Silent(Alone):
    """Gives nothing in place of rows in BAD, or twice as much."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def __getitems__(self, rows: Sequence[int]) -> list[int]:
        return [row for row in rows for _ in range(self.times if row in self.bad else 1)]


@pytest.mark.parametrize("times", [0, 2])
def test_a_row_of_which_the_dataset_gives_none_or_two_is_bad(times: int) -> None:
    batch, rows, bad = read(Silent(times), range(12))
    assert batch == list(rows) == [row for row in range(12) if row not in BAD]
    assert [one.row for one in bad] == sorted(BAD)
    said = f"the dataset's __getitems__ gave {times} items for 1 rows: give one for each"
    assert all(one.message.startswith(said) for one in bad)
    assert read(Silent(times), [5, 6]) == [5, 6]


def test_a_dataset_that_has_made_the_batch_already_is_not_counted() -> None:
    class Made(Alone):
        def __getitems__(self, rows: Sequence[int]) -> dict[str, list[int]]:
            return {"x": list(rows)}

    assert read(Made(), range(5), lambda made: made) == {"x": list(range(5))}


@pytest.mark.parametrize("kind", [Alone, Together])
def test_rows_that_raise_are_left_out(kind: type[Alone]) -> None:
    batch, rows, bad = read(kind(), range(12))
    assert batch == list(rows) == [row for row in range(12) if row not in BAD]
    assert [(one.row, one.stage, one.message) for one in bad] == [
        (row, "reading", f"row {row}") for row in sorted(BAD)
    ]
    assert bad[0].line.startswith(__file__)
    assert read(kind(), [5, 6]) == [5, 6]
    nothing = read(kind(), [3, 9])
    assert (nothing.batch, nothing.rows, len(nothing.bad)) == (None, (), 2)
    assert read(kind(), []) == PartialBatch(None, (), ())


def test_rows_read_together_are_found_by_halves() -> None:
    """A request a row would be a thousand requests."""
    many = Together({700})
    assert len(read(many, range(1000)).rows) == 999
    assert len(many.asked) <= 22
    assert many.asked[-1] == [row for row in range(1000) if row != 700]


def test_where_all_can_be_read_alone_no_row_is_to_blame() -> None:
    class Pairs(Together):
        def __getitems__(self, rows: Sequence[int]) -> list[int]:
            if len(rows) > 1:
                raise ValueError("not together")
            return list(rows)

    failed = read(Pairs(), range(4))
    assert type(failed) is FailedRead
    assert failed.facts.said == "not together"


@pytest.mark.parametrize("kind", [Alone, Together])
@pytest.mark.parametrize(
    "error",
    [
        lambda: OSError(errno.EIO, "Input/output error", "a"),
        lambda: TimeoutError("late"),
        MemoryError,
        KeyboardInterrupt,
    ],
)
def test_what_no_row_is_to_blame_for_is_raised(kind: type[Alone], error: Any) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def __getitem__(self, row: int) -> int:
            if row == 5:
                raise error()
            return super().__getitem__(row)

        def __getitems__(self, rows: Sequence[int]) -> list[int]:
            return [self[row] for row in rows]

    failed = read(Broken(), range(8))
    assert type(failed) is FailedRead
    assert failed.facts.kind == type(error()).__name__


def stack(items: list[Any]) -> torch.Tensor:
    return torch.tensor([1 // (item - 2) for item in items])


@pytest.mark.parametrize("kind", [Alone, Together])
def test_rows_that_cannot_be_collated_alone_are_left_out(kind: type[Alone]) -> None:
    batch, rows, bad = read(kind({1}), range(5), stack)
    assert (batch.tolist(), rows) == ([-1, 1, 0], (0, 3, 4))
    assert [(one.row, one.stage, one.kind) for one in bad] == [
        (1, "reading", "ValueError"),
        (2, "collating", "ZeroDivisionError"),
    ]
    assert read(kind(set()), [2], stack)[:2] == (None, ())


def no_batches(items: list[Any]) -> Any:
    raise TypeError("a fault of mine")


def no_pairs(items: list[Any]) -> Any:
    if len(items) > 1:
        raise TypeError("not two")
    return items


@pytest.mark.parametrize("collate", [no_batches, no_pairs])
def test_a_collate_that_fails_for_all_or_for_none_alone_is_to_blame_itself(collate: Any) -> None:
    failed = read(Alone(set()), range(4), collate)
    assert type(failed) is FailedRead


@pytest.mark.slow
def test_parquet_rows_keep_the_types_of_their_columns(tmp_path: Any) -> None:
    """The rest is read again, together, not put together from single rows."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    x = pa.array([0.5, 1.5, 2.5], pa.float32())
    pq.write_table(pa.table({"x": x}), tmp_path / "a.parquet")
    rows = parquet(str(tmp_path / "a.parquet"))
    made = collate_of(rows)
    assert made is not None

    def collate(items: Any) -> Any:
        if any(row["x"] == 1.5 for row in items):
            raise ValueError("1.5")
        return made(items)

    batch, left, _ = read(rows, range(3), collate)
    assert left == (0, 2)
    assert batch["x"].dtype is torch.float32


def test_a_partial_batch_is_a_tuple_that_the_feed_looks_into() -> None:
    assert issubclass(PartialBatch, tuple)
    assert PartialBatch._fields[0] == "batch"
