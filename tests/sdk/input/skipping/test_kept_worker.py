"""A row that kills its loader process is left out; all others come, those of its batch too."""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input import loader
from batchprocess.sdk.input.queues.shared_slots import lies_in_slot
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from batchprocess.sdk.input.skipping import kept_worker
from batchprocess.sdk.input.skipping.partial_batch import PartialBatch
from batchprocess.sdk.report.torch_errors import is_machine_failure

ROWS, SIZE = 40, 4


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def bus() -> None:
    os.kill(os.getpid(), signal.SIGBUS)


class Rows:
    """Large rows, of which some have a way of their own."""

    def __init__(self, ways: dict[int, Callable[[], object]]) -> None:
        self.ways = ways

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> torch.Tensor:
        if row in self.ways:
            self.ways[row]()
        return torch.full((30_000,), float(row))


class Together(Rows):
    """Read a batch at a time."""

    def __getitems__(self, rows: list[int]) -> list[torch.Tensor]:
        return [self[row] for row in rows]


def read(dataset: Any, workers: int = 2, **options: Any) -> Iterator[tuple[list[int], list[Any]]]:
    """Rows and deaths of each batch."""
    made = ShardLoader(dataset, {"num_workers": workers, **options}, skip=True)
    batches: Any = made.read(Start(ShardPlan(ROWS, SIZE, 1), 0, 0))
    try:
        for batch in batches:
            time.sleep(0.01)  # the loader is to be ahead
            bad = [] if type(batch) is not PartialBatch else list(batch.bad)
            whole = batch.batch if type(batch) is PartialBatch else batch
            yield [] if whole is None else whole[:, 0].tolist(), bad
    finally:
        # Tracebacks hold it, and queues are collected in any order.
        batches._source._shutdown_workers()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Rows, Together])
def test_rows_that_kill_are_left_out_and_named(kind: type[Rows]) -> None:
    deadly = {5: segfault, 6: abort, 21: bus, 30: segfault}
    batches = list(read(kind({**deadly, 7: lambda: int("x")})))
    assert [row for rows, _ in batches for row in rows] == [
        row for row in range(ROWS) if row not in {*deadly, 7}
    ]
    found = [(one.row, one.stage, one.kind) for _, bad in batches for one in bad]
    assert found == [
        (5, "reading", "SIGSEGV"),
        (6, "reading", "SIGABRT"),
        (7, "reading", "ValueError"),
        (21, "reading", "SIGBUS"),
        (30, "reading", "SIGSEGV"),
    ]
    assert batches[1][1][0].message == "reading it ends a process by SIGSEGV"


@pytest.mark.slow
def test_batches_in_slots_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process does not know which slots are free: it uses none."""
    monkeypatch.setattr(loader, "has_gpu", lambda: True)
    made = ShardLoader(Rows({5: segfault, 22: segfault}), {"num_workers": 2}, skip=True)
    kept = list(made.read(Start(ShardPlan(ROWS, SIZE, 1), 0, 0)))
    assert lies_in_slot(kept[0])
    found = [one.batch if type(one) is PartialBatch else one for one in kept]
    assert [row for batch in found for row in batch[:, -1].tolist()] == [
        row for row in range(ROWS) if row not in {5, 22}
    ]


@pytest.mark.slow
def test_a_process_that_dies_once_loses_nothing(tmp_path: Path) -> None:
    def once() -> None:
        with (tmp_path / "died").open("x"):
            pass
        segfault()

    def at_first() -> None:
        if not (tmp_path / "died").exists():
            once()

    batches = list(read(Rows({9: at_first}), workers=1))
    assert [row for rows, _ in batches for row in rows] == list(range(ROWS))
    assert not any(bad for _, bad in batches)


@pytest.mark.slow
def test_a_batch_that_kills_where_no_row_does_ends_the_loader_as_it_always_has() -> None:
    def collate(items: list[torch.Tensor]) -> torch.Tensor:
        if len(items) > 1 and items[0][0] == 8:
            segfault()
        return torch.stack(items)

    with pytest.raises(RuntimeError, match=r"DataLoader worker .*(killed|exited)") as raised:
        list(read(Rows({}), collate_fn=collate))
    assert is_machine_failure(raised.value)


@pytest.mark.slow
def test_a_process_that_the_kernel_kills_is_not_started_again() -> None:
    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RuntimeError, match=r"DataLoader worker .*(killed|exited)"):
        list(read(Rows({9: kill})))


@pytest.mark.slow
def test_deaths_of_one_worker_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_worker, "MAX_DEATHS", 3)
    with pytest.raises(RuntimeError, match=r"DataLoader worker .*(killed|exited)"):
        list(read(Rows(dict.fromkeys(range(8, 12), segfault)), workers=1))


def descendants() -> set[int]:
    """Processes below this one."""
    found = {os.getpid()}
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if text[0] != "Z":
            parents[int(path.parent.name)] = int(text[1])
    for _ in range(5):
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {os.getpid()}


@pytest.mark.slow
@pytest.mark.parametrize("at_end", [False, True])
def test_no_process_is_left(*, at_end: bool) -> None:
    before = descendants()
    batches = read(Rows({5: segfault}))
    next(batches)
    assert len(descendants() - before) >= 3  # one may be between two lives
    if at_end:
        list(batches)
    batches.close()  # type: ignore[attr-defined]
    del batches
    for _ in range(200):
        if not descendants() - before:
            return
        time.sleep(0.05)
    raise AssertionError(descendants() - before)
