"""`context.rows`, `context.ids` and `context.fail` are of the batch in work."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.report.failure_facts import facts_of
from batchprocess.sdk.user.context import TorchBatchProcessorContext
from support.contexts import context, made_pending


@pytest.fixture
def pending(tmp_path: Path) -> PendingOutputs:
    return made_pending(tmp_path)


@pytest.fixture
def made(tmp_path: Path, pending: PendingOutputs) -> TorchBatchProcessorContext:
    return context(tmp_path, pending)


def begin(pending: PendingOutputs, *, skip: bool = True) -> None:
    """Rows 8 to 11 are the batch; 10 could not be read, where such are left out."""
    pending.rows = range(8, 12)
    pending.batch = BatchInWork((8, 9, 11)) if skip else None


def test_rows_and_ids_are_of_the_batch(
    made: TorchBatchProcessorContext, pending: PendingOutputs
) -> None:
    begin(pending, skip=False)
    assert made.rows == made.ids == [8, 9, 10, 11]
    begin(pending)
    assert made.rows == made.ids == [8, 9, 11]
    made.fail(1, "bad")
    assert made.rows == [8, 9, 11], "positions stay"


@pytest.mark.parametrize(
    "ask", [lambda made: made.rows, lambda made: made.ids, lambda made: made.fail(0, "bad")]
)
def test_outside_of_a_batch_and_in_other_threads_there_is_none(
    made: TorchBatchProcessorContext, pending: PendingOutputs, ask: Callable[[Any], object]
) -> None:
    with pytest.raises(RuntimeError, match="there is no batch here"):
        ask(made)
    begin(pending)
    raised: list[BaseException] = []

    def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="in the thread that it is called in") as error:
            ask(made)
        raised.append(error.value)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert raised


@pytest.mark.parametrize(
    ("position", "error", "kind", "says"),
    [
        (3, "bad", ValueError, "position is 3: the batch has those from 0 to 2"),
        (-1, "bad", ValueError, "position is -1"),
        (True, "bad", TypeError, "position must be an integer, not True"),
        ("1", "bad", TypeError, "position must be an integer, not '1'"),
        (1.0, "bad", TypeError, "position must be an integer, not 1.0"),
        (0, None, TypeError, "error must be an Exception or a text, not None"),
        (0, ValueError, TypeError, "error must be an Exception or a text"),
    ],
)
def test_what_names_no_row_is_refused(
    made: TorchBatchProcessorContext,
    pending: PendingOutputs,
    position: Any,
    error: Any,
    kind: type[Exception],
    says: str,
) -> None:
    begin(pending)
    with pytest.raises(kind, match=says):
        made.fail(position, error)


def test_positions_of_tensors_are_integers(
    made: TorchBatchProcessorContext, pending: PendingOutputs
) -> None:
    begin(pending)
    made.fail(torch.tensor(2), "bad")  # type: ignore[arg-type]
    assert pending.batch is not None
    assert pending.batch.failed[2].row == 11


@pytest.mark.parametrize("skip", [False, True])
def test_what_the_machine_did_is_raised(
    made: TorchBatchProcessorContext, pending: PendingOutputs, *, skip: bool
) -> None:
    begin(pending, skip=skip)
    with pytest.raises(MemoryError) as raised:
        made.fail(0, MemoryError("all of it"))
    assert facts_of(raised.value).row == 8


def test_a_failed_row_is_not_saved_too(
    made: TorchBatchProcessorContext, pending: PendingOutputs
) -> None:
    begin(pending)
    made.save("before.jsonl", [1], ids=[9])
    with pytest.raises(ValueError, match=r"row 9 \(position 1\) was saved in 'before.jsonl'"):
        made.fail(1, "too late")
    made.fail(0, "bad")
    with pytest.raises(ValueError, match=r"those at positions \[0\] of the batch have failed"):
        made.save("x.jsonl", [1, 2, 3])
    with pytest.raises(ValueError, match="id 8 is of row 8"):
        made.save("x.jsonl", [1, 2], ids=[8, 9])
    with pytest.raises(ValueError, match="got 1 rows and no ids, but the batch has 2"):
        made.save("x.jsonl", [1])
    made.save("x.jsonl", [9, 11])
    made.save("own.jsonl", [1, 2], ids=["8", "9"])
    pending.rows = None
    contents = pending.cut_commit((0, 1), (8, 12))
    files = {name: path.read_text() for name, path in contents.paths().items()}
    assert files["x.jsonl"] == '{"id": 9, "x": 9}\n{"id": 11, "x": 11}\n'
