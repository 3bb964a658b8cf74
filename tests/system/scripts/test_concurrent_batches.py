"""`async def process_batch`: many batches are under way, and a run is as exact as any other."""

import asyncio
import contextvars
import errno
import io
import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from batchprocess import MetricReducer, TorchBatchProcessor, results, try_out
from batchprocess.protocol.errors import EndedByUserCode, InvalidArgument, SchemaDiffers
from batchprocess.sdk.output.committer import Committer
from batchprocess.sdk.report.agent_link import LoopState
from batchprocess.sdk.save.aside.rows_aside import RowsAside
from batchprocess.sdk.save.saver import Saver
from support.script_runs import Alone, Script
from support.skipping_runs import bad_rows, skips

__all__ = ["skips"]

ROWS, BATCH = 200, 4


class Concurrent(TorchBatchProcessor):
    """Each batch takes another time, so that they end in any order."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.total = context.wrap_reducer(sum, name="total")
        self.under_way = self.most = 0

    async def process_batch(self, batch: Any, batch_idx: int) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        draw = torch.rand((), generator=self.context.generator())
        await asyncio.sleep(random.Random(batch_idx).random() * 0.03)
        await self.hand_over(batch, batch_idx, draw)
        self.under_way -= 1

    async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
        self.context.save("rows.jsonl", {"row": batch, "draw": draw.expand(len(batch))})
        self.total.update(int(batch.sum()))
        with self.context.upload_path() as folder:
            (folder / f"{batch_idx}.txt").write_text(f"{batch_idx}\n")
        self.context.report_metrics("each", batch_idx, {"rows": len(batch)})


def saved(alone: Alone, name: str = "rows.jsonl") -> list[dict[str, Any]]:
    files = [one for one in results(str(alone.run_folder)) if one.file.name == name]
    return [json.loads(line) for one in files for line in one.read().splitlines()]


def require_exact(alone: Alone, rows: int = ROWS) -> None:
    """As an uninterrupted run over one batch at a time would have left it."""
    assert [one["id"] for one in saved(alone)] == list(range(rows))
    assert [one["row"] for one in saved(alone)] == list(range(rows))
    assert alone.summary()["metrics"] == {"total": sum(range(rows))}
    texts = [one for one in results(str(alone.run_folder)) if one.file.name.endswith(".txt")]
    assert sorted(int(one.read()) for one in texts) == list(range(rows // BATCH))
    metrics = (alone.run_folder / "metrics" / "each.jsonl").read_text().splitlines()
    assert sorted(json.loads(one)["steps_completed"] for one in metrics) == list(
        range(rows // BATCH)
    )


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_they_run_beside_one_another_and_are_committed_in_order(alone: Alone, workers: int) -> None:
    seen: list[tuple[int, int]] = []
    most: list[int] = []

    class Told(Concurrent):
        async def on_checkpoint_start(self, first: int, end: int) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            seen.append((first, end))

        def on_finish(self) -> None:
            most.append(self.most)

    options: dict[str, Any] = {"dataloader_kwargs": {"num_workers": workers}}
    alone.run(Told, list(range(ROWS)), max_in_flight=16, **options)
    require_exact(alone)
    assert most[0] > 8
    assert most[0] <= 16
    assert [first for first, _ in seen] == [0, *(end for _, end in seen[:-1])]
    assert seen[-1][1] == ROWS // BATCH


def test_random_numbers_are_those_of_the_batch_whatever_runs_beside_it(alone: Alone) -> None:
    draws = []
    for most in (1, 16):
        alone.run(Concurrent, list(range(40)), max_in_flight=most)
        draws.append([one["draw"] for one in saved(alone)])
        if most == 1:
            seed = json.loads((alone.run_folder / "run.json").read_text())["seeds"]
            assert seed
    assert len(set(draws[0])) == 10


def test_hooks_have_random_numbers_of_their_own_in_every_attempt(alone: Alone) -> None:
    drawn: dict[int, set[float]] = {}

    class Draws(Concurrent):
        cut = 5

        async def on_start(self) -> None:
            self.seed_of_engine = self.context.seed
            self.context.generator()

        async def on_checkpoint_start(self, first: int, end: int) -> None:  # type: ignore[override]
            drawn.setdefault(end, set()).add(self._draw())

        def on_finish(self) -> None:
            drawn.setdefault(-1, set()).add(self._draw())
            if self.cut == 10:
                raise ValueError("at the end")

        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            await super().hand_over(batch, batch_idx, draw)
            if batch_idx == self.cut:
                raise ValueError("in between")

        def _draw(self) -> float:
            return torch.rand((), generator=self.context.generator()).item()

    for Draws.cut in (5, 7, 10, 10):
        with pytest.raises(ValueError, match="in between|at the end"):
            alone.run(Draws, list(range(40)), max_in_flight=1)
    Draws.cut = -1
    alone.run(Draws, list(range(40)), max_in_flight=1)
    require_exact(alone, 40)
    assert {len(one) for one in drawn.values()} == {1}
    assert len(set().union(*drawn.values())) == len(drawn)


@pytest.mark.parametrize("cuts", [(0,), (13,), (2, 27, 40), (5, 5, 49)])
def test_an_exception_ends_the_attempt_once_what_lies_before_it_is_committed(
    alone: Alone, cuts: tuple[int, ...]
) -> None:
    class Raises(Concurrent):
        at = -1

        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            await super().hand_over(batch, batch_idx, draw)
            if batch_idx == self.at:
                raise ValueError("poison")

    for cut in cuts:
        Raises.at = cut
        with pytest.raises(ValueError, match="poison") as caught:
            alone.run(Raises, list(range(ROWS)), max_in_flight=8)
        assert f"batch {cut} of shard 0" in caught.value.__notes__[-1]
        assert len(saved(alone)) == cut * BATCH
    Raises.at = -1
    alone.run(Raises, list(range(ROWS)), max_in_flight=8)
    require_exact(alone)


def test_of_several_that_fail_the_first_in_the_dataset_is_named(
    alone: Alone, caplog: pytest.LogCaptureFixture
) -> None:
    """The other is said at once: those before it may wait for ever for what has failed."""

    class Raises(Concurrent):
        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            await asyncio.sleep(0.05 if batch_idx == 3 else 0)
            if batch_idx in {3, 6}:
                raise ValueError(f"poison {batch_idx}")
            await super().process_batch(batch, batch_idx)

    with pytest.raises(ValueError, match="poison 3"):
        alone.run(Raises, list(range(ROWS)), max_in_flight=8)
    (said,) = [one for one in caplog.messages if "has failed" in one]
    assert "batch 6 has failed (ValueError: poison 6)" in said
    assert "before it are waited for" in said
    assert len(saved(alone)) == 3 * BATCH


@pytest.mark.parametrize("what", [SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("where", ["in the batch", "in a task of it"])
def test_no_way_out_ends_with_0(alone: Alone, what: type[BaseException], where: str) -> None:
    class Leaves(Concurrent):
        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            async def leave() -> None:
                raise what

            if batch_idx == 5:
                await (leave() if where == "in the batch" else asyncio.create_task(leave()))
            await super().process_batch(batch, batch_idx)

    with pytest.raises(EndedByUserCode, match="batch 5 of shard 0"):
        alone.run(Leaves, list(range(ROWS)))


def test_what_is_read_badly_is_told_with_its_batch(alone: Alone) -> None:
    class Broken(list[int]):
        def __getitem__(self, row: Any) -> Any:
            if row == 30:
                raise OSError("unreadable")
            return super().__getitem__(row)

    with pytest.raises(OSError, match="unreadable") as caught:
        alone.run(Concurrent, Broken(range(ROWS)))
    assert "batch 7 of shard 0" in caught.value.__notes__[-1]
    assert len(saved(alone)) == 28


def upload(processor: Any) -> None:
    with processor.context.upload_path():
        pass


CALLS = {
    "save": lambda self: self.context.save("late.jsonl", [1], ids=["late"]),
    "upload": upload,
    "update": lambda self: self.total.update(1_000_000),
    "report": lambda self: self.context.report_metrics("late", 1, {}),
    "fail": lambda self: self.context.fail(0, "late"),
    "rows": lambda self: self.context.rows,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_behind_the_batchs_end_is_refused_by_name(alone: Alone, call: str) -> None:
    caught: list[BaseException] = []

    class Late(Concurrent):
        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            if batch_idx == 0:
                self.late = asyncio.create_task(self.afterwards())
            if batch_idx == 9:
                await self.late
            await super().process_batch(batch, batch_idx)

        async def afterwards(self) -> None:
            await asyncio.sleep(0.2)
            try:
                CALLS[call](self)
            except RuntimeError as error:
                caught.append(error)

    alone.run(Late, list(range(ROWS)), max_in_flight=4)
    require_exact(alone)
    said = "there is no batch here" if call in {"fail", "rows"} else "belongs to batch 0, which has"
    assert said in str(caught[0])


def test_threads_belong_to_the_batch_only_if_they_take_its_context(alone: Alone) -> None:
    pool = ThreadPoolExecutor(1)

    class InThreads(Concurrent):
        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            call = super().hand_over
            await asyncio.to_thread(lambda: asyncio.run(call(batch, batch_idx, draw)))
            if batch_idx == 4:
                loop = asyncio.get_running_loop()
                with pytest.raises(RuntimeError, match="where there is no batch.*to_thread"):
                    await loop.run_in_executor(pool, self.total.update, 1)
                take = contextvars.copy_context().run
                await loop.run_in_executor(pool, take, self.total.update, 0)

    alone.run(InThreads, list(range(ROWS)))
    require_exact(alone)
    pool.shutdown()


@pytest.mark.parametrize("hook", ["on_start", "on_checkpoint_start"])
@pytest.mark.parametrize("call", ["save", "upload", "update"])
def test_hooks_beside_batches_hand_nothing_over(alone: Alone, hook: str, call: str) -> None:
    async def hands_over(self: Any) -> None:
        CALLS[call](self)

    with pytest.raises(RuntimeError, match=f"in {hook} would belong to no batch"):
        alone.run(type("Hooked", (Concurrent,), {hook: hands_over}), list(range(ROWS)))


def test_on_finish_may_hand_over_and_use_the_engine_that_on_start_has_made(alone: Alone) -> None:
    class Engine:
        def __init__(self) -> None:
            self.asked: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue()
            self.task = asyncio.create_task(self.answer())

        async def answer(self) -> None:
            while True:
                number, future = await self.asked.get()
                future.set_result(2 * number)

        async def double(self, number: int) -> int:
            future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            await self.asked.put((number, future))
            return await future

    class WithEngine(Concurrent):
        async def on_start(self) -> None:
            self.engine = Engine()

        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            found = await asyncio.gather(*(self.engine.double(int(row)) for row in batch))
            await super().hand_over(torch.tensor(found) // 2, batch_idx, draw)

        async def on_finish(self) -> None:
            self.context.save("end.jsonl", [await self.engine.double(21)], ids=["end"])

    alone.run(WithEngine, list(range(ROWS)))
    require_exact(alone)
    assert saved(alone, "end.jsonl") == [{"id": "end", "end": 42}]
    assert not [one for one in threading.enumerate() if one.name == "batchprocess-read"]


def test_a_shard_whose_batches_are_all_committed_has_its_engine_for_on_finish(alone: Alone) -> None:
    class Dies(Concurrent):
        dead = True

        async def on_start(self) -> None:
            self.engine = 1

        async def on_finish(self) -> None:
            if self.dead:
                raise ValueError("at the end")
            self.context.save("end.jsonl", [self.engine], ids=["end"])

    with pytest.raises(ValueError, match="at the end"):
        alone.run(Dies, list(range(ROWS)))
    Dies.dead = False
    alone.run(Dies, list(range(ROWS)))
    require_exact(alone)


class Means(MetricReducer):
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.values: list[float] = []

    def update(self, values: Any) -> None:
        self.values.append(float(np.mean(values)))

    def per_slot_reduce(self) -> list[float]:
        return self.values

    def cross_slot_reduce(self, per_slot_metrics: list[list[float]]) -> list[float]:
        return [value for one in per_slot_metrics for value in one]


def test_a_reducer_has_what_it_was_given_as_it_was_and_in_order(alone: Alone) -> None:
    class Reuses(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.means = context.wrap_reducer(Means(), name="means")
            self.buffer = np.zeros(BATCH)

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            await asyncio.sleep(0.01 * (batch_idx % 3))
            self.buffer[:] = batch
            self.means.update(self.buffer)
            with pytest.raises(AttributeError, match=r"Means.values is not to be had.*update"):
                self.means.values  # noqa: B018

    alone.run(Reuses, list(range(40)))
    assert alone.summary()["metrics"]["means"] == [4 * one + 1.5 for one in range(10)]


class Nested(Means):
    """Takes values one by one, and has a name and state of its own."""

    def update(self, values: Any) -> None:
        if isinstance(values, list):
            for value in values:
                self.update(value)
        else:
            self.values.append(values)

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


@pytest.mark.parametrize("itself", [False, True])
def test_a_reducer_itself_takes_nothing_beside_its_batches(alone: Alone, itself: bool) -> None:
    class Updates(TorchBatchProcessor):
        fails = True

        def __init__(self, context: Any) -> None:
            self.nested = Nested()
            self.returned = context.wrap_reducer(self.nested, name="nested")
            self.returned.update([])

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            await asyncio.sleep(0.01 * (batch_idx % 3))
            (self.nested if itself else self.returned).update(batch.tolist())
            if batch_idx == 5 and self.fails:
                raise ValueError("poison")

    if itself:
        with pytest.raises(RuntimeError, match=r"Nested.update was called on the reducer itself"):
            alone.run(Updates, list(range(40)))
        return
    with pytest.raises(ValueError, match="poison"):
        alone.run(Updates, list(range(40)))
    Updates.fails = False
    alone.run(Updates, list(range(40)))
    assert alone.summary()["metrics"]["nested"] == list(range(40))


@pytest.mark.parametrize("state", ["autocast", "gradients", "inference"])
def test_a_state_of_the_thread_that_is_held_over_an_await_ends_the_attempt(
    alone: Alone, state: str
) -> None:
    block = {
        "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        "gradients": torch.enable_grad,
        "inference": torch.inference_mode,
    }[state]

    class Holds(Concurrent):
        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            assert not torch.is_grad_enabled()
            with block():
                torch.ones(2) @ torch.ones(2)  # without an await inside all is well
            if batch_idx == 5:
                with block():
                    await asyncio.sleep(0.01)
            await super().hand_over(batch, batch_idx, draw)

    with pytest.raises(
        RuntimeError, match=r"process_batch has changed .* before an await"
    ) as caught:
        alone.run(Holds, list(range(ROWS)))
    assert "batch 5 of shard 0" in caught.value.__notes__[-1]
    assert len(saved(alone)) == 20
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("awaited", [False, True])
def test_a_task_that_nobody_awaits_ends_the_attempt_so_too(alone: Alone, awaited: bool) -> None:
    class Holds(Concurrent):
        async def on_start(self) -> None:
            self.served = asyncio.Event()

        async def serve(self) -> None:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                await asyncio.sleep(0.01)
            self.served.set()

        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            await super().hand_over(batch, batch_idx, draw)
            if batch_idx == 5:
                self.engine = asyncio.create_task(self.serve())
                await (self.engine if awaited else self.served.wait())

    with pytest.raises(RuntimeError, match=r"serve has changed autocast"):
        alone.run(Holds, list(range(ROWS)), max_in_flight=8)
    assert len(saved(alone)) == 20


def test_a_coroutine_that_holds_the_loop_is_told_once(
    alone: Alone, caplog: pytest.LogCaptureFixture
) -> None:
    class Holds(Concurrent):
        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            threading.Event().wait(0.15)
            await super().hand_over(batch, batch_idx, draw)

    alone.run(Holds, list(range(48)))
    (said,) = [one for one in caplog.messages if "holds the event loop" in one]
    assert "process_batch holds" in said
    assert "asyncio.to_thread" in said


class Poisoned(Concurrent):
    """Some rows raise once all was handed over, and one is failed by name."""

    BAD, SAID = frozenset({13, 14, 77, 150}), 199

    async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
        good = [int(row) for row in batch if int(row) != self.SAID]
        if len(good) < len(batch):
            self.context.fail(self.context.rows.index(self.SAID), "said so")
        self.context.save("rows.jsonl", {"row": good}, ids=good)
        self.total.update(sum(good))
        self.context.report_metrics("each", batch_idx, {"rows": len(batch)})
        if self.BAD & set(good):
            raise ValueError(f"poison in {good}")

    async def on_checkpoint_start(self) -> None:
        """A hook, which batches one at a time would need other processes for."""


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_rows_of_a_batch_that_raises_are_tried_one_by_one_in_place(
    skips: Alone, workers: int
) -> None:
    options: dict[str, Any] = {"dataloader_kwargs": {"num_workers": workers}}
    skips.run(Poisoned, list(range(ROWS)), max_in_flight=8, **options)
    bad = {*Poisoned.BAD, Poisoned.SAID}
    assert [one["row"] for one in saved(skips)] == [row for row in range(ROWS) if row not in bad]
    assert skips.summary()["metrics"] == {"total": sum(range(ROWS)) - sum(bad)}
    assert {one.row: one.message for one in bad_rows(skips.run_folder)} == {
        row: "said so" if row == Poisoned.SAID else f"poison in [{row}]" for row in bad
    }


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_many_batches_that_raise_at_once_keep_their_own_rows(skips: Alone, workers: int) -> None:
    class Many(Poisoned):
        BAD = frozenset(range(1, 197, BATCH))

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            await super().process_batch(batch, batch_idx)
            assert self.context.rows == batch.tolist()

    options: dict[str, Any] = {"dataloader_kwargs": {"num_workers": workers}}
    skips.run(Many, list(range(ROWS)), max_in_flight=16, **options)
    bad = {*Many.BAD, Many.SAID}
    assert [one["row"] for one in saved(skips)] == [row for row in range(ROWS) if row not in bad]
    assert {one.row for one in bad_rows(skips.run_folder)} == bad


def test_bad_rows_at_the_end_of_a_batch_are_left_out_if_a_good_one_goes_through_again(
    skips: Alone,
) -> None:
    """There is no other process that would find out, as with one batch at a time."""

    class AtTheEnd(Poisoned):
        BAD = frozenset({30, 31, 61, 62, 63})

    skips.run(AtTheEnd, list(range(ROWS)), max_in_flight=8)
    bad = {*AtTheEnd.BAD, Poisoned.SAID}
    assert [one["row"] for one in saved(skips)] == [row for row in range(ROWS) if row not in bad]
    assert skips.summary()["metrics"] == {"total": sum(range(ROWS)) - sum(bad)}
    assert {one.row for one in bad_rows(skips.run_folder)} == bad


def test_a_processor_that_no_longer_works_blames_no_row(skips: Alone) -> None:
    class Breaks(Poisoned):
        broken = False

        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            self.broken = self.broken or 30 in batch
            if self.broken and batch_idx == 7:
                raise ValueError(f"broken at {batch.tolist()}")
            await super().hand_over(batch, batch_idx, draw)

    with pytest.raises(ValueError, match="broken at") as caught:
        skips.run(Breaks, list(range(ROWS)), max_in_flight=8)
    assert "batch 7 of shard 0" in caught.value.__notes__[-1]
    assert {one.row for one in bad_rows(skips.run_folder)} == {13, 14}


@pytest.mark.parametrize("what", [SystemExit, asyncio.CancelledError])
def test_no_way_out_of_a_row_alone_ends_with_0(skips: Alone, what: type[BaseException]) -> None:
    class Leaves(Poisoned):
        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            if batch.tolist() == [76]:
                raise what
            await super().hand_over(batch, batch_idx, draw)

    with pytest.raises(EndedByUserCode, match="batch 19 of shard 0"):
        skips.run(Leaves, list(range(ROWS)), max_in_flight=8)
    assert len(saved(skips)) == 74


def test_a_row_that_takes_for_ever_alone_does_not_hold_a_stop_up(skips: Alone) -> None:
    class Hangs(Poisoned):
        stops = True

        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            if self.stops and batch.tolist() == [76]:
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.Event().wait()
            await super().hand_over(batch, batch_idx, draw)

    with pytest.raises(SystemExit) as stopped:
        skips.run(Hangs, list(range(ROWS)), max_in_flight=8)
    assert stopped.value.code == 85
    assert len(saved(skips)) == 74
    Hangs.stops = False
    skips.run(Hangs, list(range(ROWS)), max_in_flight=8)
    bad = {*Poisoned.BAD, Poisoned.SAID}
    assert [one["row"] for one in saved(skips)] == [row for row in range(ROWS) if row not in bad]


def test_a_batch_of_which_no_row_is_to_blame_ends_the_attempt_with_the_reason(skips: Alone) -> None:
    class Whole(Concurrent):
        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            await super().hand_over(batch, batch_idx, draw)
            if batch_idx == 6 and len(batch) > 1:
                raise ValueError("too many at once")

    with pytest.raises(ValueError, match="too many at once") as caught:
        skips.run(Whole, list(range(ROWS)), max_in_flight=8)
    assert "batch 6 of shard 0" in caught.value.__notes__[-1]
    assert len(saved(skips)) == 6 * BATCH


def test_rows_that_cannot_be_read_are_left_out_beside_others(skips: Alone) -> None:
    class Broken(list[int]):
        def __getitem__(self, row: Any) -> Any:
            if row in {30, 31, 100}:
                raise ValueError("unreadable")
            return super().__getitem__(row)

    skips.run(Poisoned, Broken(range(ROWS)), max_in_flight=8)
    bad = {30, 31, 100, *Poisoned.BAD, Poisoned.SAID}
    assert [one["row"] for one in saved(skips)] == [row for row in range(ROWS) if row not in bad]
    assert {one.row for one in bad_rows(skips.run_folder)} == bad


@pytest.mark.parametrize(("given", "said"), [(0, "at least 1"), ("4", "an integer")])
def test_a_window_of_nothing_is_refused(alone: Alone, given: Any, said: str) -> None:
    with pytest.raises(InvalidArgument, match=f"max_in_flight must be {said}"):
        alone.run(Concurrent, list(range(ROWS)), max_in_flight=given)


def test_a_window_of_a_processor_with_one_batch_at_a_time_is_refused(alone: Alone) -> None:
    class Sync(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            pass

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            pass

    with pytest.raises(InvalidArgument, match=r"max_in_flight is 4, and .*Sync takes one batch"):
        alone.run(Sync, list(range(ROWS)), max_in_flight=4)


def test_a_batch_of_other_types_than_those_before_it_is_named_and_in_no_commit(
    alone: Alone,
) -> None:
    class Differs(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.context = context

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            await asyncio.sleep(0.05 if batch_idx < 5 else 0.0)
            self.context.save("a.npy", batch)
            self.context.save("rows.npy", batch.double() if batch_idx == 5 else batch)

    with pytest.raises(SchemaDiffers, match="float64"):
        alone.run(Differs, list(range(40)), max_in_flight=8)
    files = [one for one in results(str(alone.run_folder)) if one.file.name == "a.npy"]
    assert sum(len(np.load(io.BytesIO(one.read()))) for one in files) == 20


def test_files_of_one_name_are_refused_with_the_second_batch(alone: Alone) -> None:
    class Same(Concurrent):
        async def hand_over(self, batch: Any, batch_idx: int, draw: torch.Tensor) -> None:
            self.context.save("rows.jsonl", {"row": batch})
            with self.context.upload_path() as folder:
                (folder / ("same" if batch_idx in {2, 3} else str(batch_idx))).touch()

    with pytest.raises(ValueError, match="'same' was written twice") as caught:
        alone.run(Same, list(range(ROWS)), checkpoint_interval=5)
    assert "batch 3 of shard 0" in caught.value.__notes__[-1]
    assert len(saved(alone)) == 12


def test_files_of_one_name_in_every_interval_are_taken_as_with_one_batch_at_a_time(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More batches than those of an interval are finished when a commit is cut."""
    commit = Committer._commit

    def slow(self: Committer, *given: Any) -> None:
        time.sleep(0.05)
        commit(self, *given)

    class Same(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.context = context

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            if batch_idx % 2:
                with self.context.upload_path() as folder:
                    (folder / "same.txt").write_text(f"{batch_idx}\n")

    monkeypatch.setattr(Committer, "_commit", slow)
    alone.run(Same, list(range(80)), max_in_flight=8)
    assert alone.lines() == [str(one) for one in range(1, 20, 2)]


def test_what_waits_behind_a_full_disk_ends_the_attempt(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch begins that could be told of it, and no commit is due."""
    monkeypatch.setattr(Saver.__init__, "__defaults__", (None, 1 << 20, None))
    all_saved = threading.Event()

    def write(_self: Any, _path: Path) -> None:
        all_saved.wait(20)
        raise OSError(errno.ENOSPC, "no space left")

    class Large(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.context = context

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            for name in "abc":
                self.context.save(f"{name}.npy", torch.zeros(1 << 17), ids=range(1 << 17))
            all_saved.set()

    monkeypatch.setattr(RowsAside, "write", write)
    with pytest.raises(OSError, match="no space left"):
        alone.run(Large, list(range(400)), max_in_flight=6, checkpoint_interval=100)


def test_many_bytes_wait_on_the_disk_and_none_is_lost(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of 16 batches ends last, and what the others have saved fits into no memory."""
    most: list[int] = []
    monkeypatch.setattr(Saver.__init__, "__defaults__", (None, 1 << 20, None))

    class Large(Concurrent):
        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            if batch_idx == 0:
                await asyncio.sleep(1.0)
                most.append(self.context._pending.saver._budget.used)
            for row in batch:
                self.context.save(
                    f"r{int(row)}.npy", torch.full((1 << 16,), float(row)), ids=range(1 << 16)
                )

    alone.run(Large, list(range(64)), max_in_flight=16, checkpoint_interval=16)
    found = {
        one.file.name: np.load(io.BytesIO(one.read())) for one in results(str(alone.run_folder))
    }
    for row in range(64):
        assert (found[f"r{row}.npy"] == row).all()
    assert most[0] <= 2 << 20


def test_a_first_batch_that_takes_long_holds_no_more_back_than_the_window(alone: Alone) -> None:
    begun: list[int] = []

    class Slow(Concurrent):
        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            begun.append(batch_idx)
            if batch_idx == 0:
                await asyncio.sleep(0.5)
                assert max(begun) == 7
            await super().process_batch(batch, batch_idx)

    alone.run(Slow, list(range(ROWS)), max_in_flight=8)
    require_exact(alone)


def test_a_commit_that_takes_long_is_no_stall(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's clock stands in the phase "storage", and in no other."""
    states: list[LoopState] = []
    seen: list[str] = []
    enter, commit = LoopState.enter, Committer._commit

    def keep(self: LoopState, phase: Any) -> None:
        states.append(self)
        enter(self, phase)

    def slow(self: Committer, *given: Any) -> None:
        until = time.monotonic() + 20
        while states[-1].phase != "storage" and time.monotonic() < until:
            time.sleep(0.01)
        seen.append(states[-1].phase)
        commit(self, *given)

    monkeypatch.setattr(LoopState, "enter", keep)
    monkeypatch.setattr(Committer, "_commit", slow)
    alone.run(Concurrent, list(range(40)), max_in_flight=2)
    require_exact(alone, 40)
    assert set(seen) == {"storage"}


def test_it_is_tried_out_without_a_run() -> None:
    found = try_out(Concurrent, list(range(40)), 5, batch_size=4)
    assert found.rows == 20
    assert found.metrics == {"total": sum(range(20))}
    assert {one.name for one in found.files} == {"rows.jsonl", *(f"{n}.txt" for n in range(5))}


def test_it_runs_where_a_loop_runs_already_as_in_a_notebook(alone: Alone) -> None:
    async def cell() -> None:
        alone.run(Concurrent, list(range(ROWS)))

    asyncio.run(cell())
    require_exact(alone)


def test_a_stop_commits_what_is_finished_within_the_grace(alone: Alone) -> None:
    class Stopped(Concurrent):
        stops = True

        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            if batch_idx == 20 and self.stops:
                os.kill(os.getpid(), signal.SIGTERM)
            await super().process_batch(batch, batch_idx)

    with pytest.raises(SystemExit) as stopped:
        alone.run(Stopped, list(range(ROWS)), max_in_flight=8)
    assert stopped.value.code == 85
    # All that was under way has ended, for there was time.
    assert len(saved(alone)) > 20 * BATCH
    Stopped.stops = False
    alone.run(Stopped, list(range(ROWS)), max_in_flight=8)
    require_exact(alone)


KILLED = """
import asyncio, os, random, sys
import torch
from batchprocess import TorchBatchProcessor, torch_batch_process

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.total = context.wrap_reducer(sum, name="total")

    async def process_batch(self, batch, batch_idx):
        await asyncio.sleep(random.random() * 0.02)
        self.context.save("rows.jsonl", {"row": batch})
        self.total.update(int(batch.sum()))
        if random.random() < float(os.environ["KILL"]):
            os.kill(os.getpid(), 9)

torch_batch_process(P, list(range(200)), batch_size=4, checkpoint_interval=5, max_in_flight=8)
"""


@pytest.mark.slow
def test_kills_change_nothing(script: Script, tmp_path: Path) -> None:
    script.write("job.py", KILLED)
    codes = [9]
    while codes[-1]:
        codes.append(script.python("job.py", KILL="0.1" if len(codes) < 12 else "0").returncode)
        assert codes[-1] in {0, -9}
    assert len(codes) > 3
    job = tmp_path / "batchprocess-runs" / "job"
    run = job / (job / "latest").read_text().strip()
    rows = [
        json.loads(line)["row"] for one in results(str(run)) for line in one.read().splitlines()
    ]
    assert rows == list(range(200))
    assert json.loads((run / "summary.json").read_text())["metrics"]["total"] == sum(range(200))
