"""A row is failed or saved, never both; see also tests/sdk/user/test_row_failures.py."""

import numpy as np
import pytest
import torch

from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.report.row_errors import BadRead

ROWS = [4, 5, 7]


def bad(row: int) -> BadRead:
    return BadRead(row, "process_batch", "ValueError", "blurred", "", "")


@pytest.mark.parametrize(
    "ids", [[4, 7], (7,), range(4, 6), torch.tensor([7, 4]), np.array([4, 4, 7]), ROWS]
)
def test_what_was_saved_under_ids_of_the_batch_cannot_fail(ids) -> None:
    work = BatchInWork(ROWS)
    work.add_saved("x.npy", ids)
    row = int(ids[0])
    at = ROWS.index(row)
    with pytest.raises(ValueError, match=rf"row {row} \(position {at}\) was saved in 'x.npy'"):
        work.fail(at, bad(row), ROWS)
    assert work.failed == {}


@pytest.mark.parametrize("ids", [[4, 7], torch.tensor([4, 7])])
def test_ids_are_those_of_the_call(ids) -> None:
    work = BatchInWork(ROWS)
    work.add_saved("x.npy", ids)
    ids[0] = 5
    work.fail(1, bad(5), ROWS)
    assert list(work.left) == [4, 7]


def test_ids_of_another_kind_say_nothing_of_rows() -> None:
    """A user's own numbers may be equal to those of rows, and mean others."""
    work = BatchInWork(ROWS)
    work.fail(1, bad(5), ROWS)
    work.require_not_failed("x.npy", [5, 999], ROWS)
    work.require_not_failed("x.npy", ["5", "7"], ROWS)
    work.require_not_failed("x.npy", [4, 7], ROWS)
    with pytest.raises(ValueError, match=r"id 5 is of row 5 \(position 1\), which has failed"):
        work.require_not_failed("x.npy", torch.tensor([4, 5, 7]), ROWS)


def test_a_row_fails_once() -> None:
    work = BatchInWork(ROWS)
    work.fail(2, bad(7), ROWS)
    with pytest.raises(ValueError, match=r"row 7 \(position 2\) has failed already: blurred"):
        work.fail(2, bad(7), ROWS)
    assert list(work.left) == [4, 5]
