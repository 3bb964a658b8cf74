"""A failed read is known by its row and class, in the process itself and from a loader's."""

import asyncio
import errno
import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.data import Subset, get_worker_info

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.feed import Feed, open_feed
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from batchprocess.sdk.report.failure_facts import Facts, facts_of
from support.fake_port import FakePort

WORKERS = [0, 1]


class Failing:
    """Eight rows; `fail` is called for the sixth."""

    def __init__(self, fail: Callable[[], object] = lambda: None) -> None:
        self.fail = fail

    def __len__(self) -> int:
        return 8

    def __getitem__(self, row: int) -> int:
        if row == 5:
            self.fail()
        return row


class Together(Failing):
    """Read a batch at a time, as Hugging Face datasets and subsets are."""

    def __getitems__(self, rows: list[int]) -> list[int]:
        return [self[row] for row in rows]


class OddError(Exception):
    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{number}: {text}")


def feed(dataset: Any, prefetch: Prefetch | None = None, **options: Any) -> Feed:
    start = Start(ShardPlan(8, 2, 1), 0, 0)
    made = open_feed(ShardLoader(dataset, options), start, lambda: prefetch)
    made.keep()
    return made


def failure(dataset: Any, prefetch: Prefetch | None = None, **options: Any) -> BaseException:
    """What the third batch raises, without its traceback; the two before it come."""
    batches = feed(dataset, prefetch, **options)
    assert [batches.next_batch().tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    try:
        batches.next_batch()
    except BaseException as error:
        # A traceback holds the loader, which must not be collected in the midst of the imports of
        # a later fork: that breaks an import lock of Python 3.11.
        return error.with_traceback(None)
    finally:
        batches.close()
        del batches
        gc.collect()
    raise AssertionError("it has read all")


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


@pytest.mark.slow
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("kind", [Failing, Together])
def test_the_row_that_failed_is_known(kind: type[Failing], workers: int) -> None:
    error = failure(kind(raising(KeyError("label"))), num_workers=workers)
    assert type(error) is KeyError
    facts = facts_of(error)
    assert (facts.kind, facts.said, facts.row) == ("KeyError", "'label'", 5)
    assert facts.line.startswith(f"{__file__}:")
    assert facts.loader_process is (workers == 1)


def test_a_subset_of_rows_read_together_is_known_by_its_own_number() -> None:
    data = Subset(Failing(raising(ValueError("x"))), [0, 1, 2, 3, 4, 6, 5, 7])
    batches = feed(data)
    with pytest.raises(ValueError, match="x") as caught:
        list(iter(batches.next_batch, None))
    assert facts_of(caught.value).row == 6


@pytest.mark.slow
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]
)
def test_what_is_no_exception_comes_too(error: BaseException, workers: int) -> None:
    seen = failure(Failing(raising(error)), num_workers=workers)
    assert type(seen) is type(error)
    assert facts_of(seen).row == 5


@pytest.mark.slow
@pytest.mark.parametrize("workers", WORKERS)
def test_of_a_reader_thread_too(workers: int) -> None:
    prefetch = Prefetch(FakePort())
    seen = failure(Failing(raising(SystemExit(3))), prefetch, num_workers=workers)
    assert (type(seen), facts_of(seen).row) == (SystemExit, 5)


@pytest.mark.slow
def test_numbers_and_causes_that_do_not_survive_a_loader_process_are_judged_there() -> None:
    class Made(OSError):
        """Another process has no class of this name."""

    def behind() -> object:
        raise OSError("no image") from EOFError()

    cases: list[tuple[Callable[[], object], bool]] = [
        (behind, False),
        (raising(OSError(errno.EIO, "Input/output error")), True),
        (raising(Made("by hand")), True),
        (raising(OddError(3, "takes two")), False),
        (raising(MemoryError()), True),
    ]
    for fail, of_machine in cases:
        facts: Facts = facts_of(failure(Failing(fail), num_workers=1))
        assert facts.of_machine is of_machine, facts
    assert facts.kind == "MemoryError"
    assert facts_of(failure(Failing(raising(Made("x"))), num_workers=1)).kind == "Made"


@pytest.mark.slow
def test_an_error_that_torch_cannot_make_again_keeps_its_words() -> None:
    def fail() -> None:
        raise ExceptionGroup("several", [ValueError("the first")])

    raised = failure(Failing(fail), num_workers=1)
    assert "the first" in str(raised)
    assert facts_of(raised).kind == "ExceptionGroup"


@pytest.mark.slow
def test_a_failing_collate_names_no_row() -> None:
    def collate(items: list[int]) -> torch.Tensor:
        if 5 in items:
            raise TypeError("ragged")
        return torch.tensor(items)

    error = failure(Failing(), collate_fn=collate, num_workers=1)
    assert (type(error), facts_of(error).row) == (TypeError, None)


@pytest.mark.slow
def test_a_loader_process_is_shown_the_users_dataset() -> None:
    class Opened(Failing):
        opened = False

        def __getitem__(self, row: int) -> tuple[bool, bool]:  # type: ignore[override]
            return self.opened, get_worker_info().dataset is self

    def open_it(_worker: int) -> None:
        get_worker_info().dataset.opened = True

    opened, same = feed(Opened(), num_workers=1, worker_init_fn=open_it).next_batch()
    assert opened.tolist() == same.tolist() == [True, True]
