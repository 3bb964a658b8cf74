"""What the API promises holds after any number of interruptions."""

import contextlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from batchprocess import MetricReducer, TorchBatchProcessor
from batchprocess.sdk.reduce import reduce_shards
from support.script_runs import Alone

ROWS = 50
CUTS = [(), (0,), (3,), (1, 1, 1), (2, 5, 9), (4, 4, 8, 11, 12)]


class Interrupted(Exception):
    """Stands for whatever ends a process."""


class Rows:
    """Counts which rows are read."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> int:
        self.read.append(row)
        return row

    def fingerprint(self) -> str:
        return "rows"


class Total(MetricReducer):
    """Insensitive to how rows are grouped into slots."""

    def reset(self):
        self.total = 0

    def update(self, value):
        self.total += value

    def per_slot_reduce(self):
        return self.total

    def cross_slot_reduce(self, per_slot_metrics):
        return sum(per_slot_metrics)


class MeanOfMeans(Total):
    """Sensitive to grouping: one value a slot, and an interruption adds a slot."""

    def reset(self):
        self.values = []

    def update(self, value):
        self.values.append(value)

    def per_slot_reduce(self):
        return sum(self.values) / len(self.values)

    def cross_slot_reduce(self, per_slot_metrics):
        return sum(per_slot_metrics) / len(per_slot_metrics)


class MeanWithState(MeanOfMeans):
    """Sensitive to grouping, but its state goes on, so there is one slot a shard."""

    def state_dict(self):
        return {"values": torch.tensor(self.values)}

    def load_state_dict(self, state):
        self.values = state["values"].tolist()


def processor(cut: int | None) -> type[TorchBatchProcessor]:
    """A processor that uses everything; dies before it has processed batch `cut`."""

    class Everything(TorchBatchProcessor):
        def __init__(self, context):
            self.context, self.rows = context, []
            self.total = context.wrap_reducer(Total(), name="total")
            self.mean = context.wrap_reducer(MeanWithState(), name="mean")
            self.order = context.wrap_reducer(list, name="order")
            self.big = context.wrap_reducer(
                lambda found: {"bytes": sum(map(len, found)), "updates": len(found)}
            )
            self.writer = SummaryWriter(context.get_tensorboard_path())

        def process_batch(self, batch, batch_idx):
            if batch_idx == cut:
                raise Interrupted
            for row in batch.tolist():
                self.rows.append(row)
                self.total.update(row)
                self.mean.update(float(row))
                self.order.update(row)
                self.big.update(bytes(3_000))
            self.writer.add_scalar("rows", len(self.rows), batch_idx)
            self.context.report_metrics("batches", batch_idx, {"sum": int(batch.sum())})

        def on_checkpoint_start(self):
            self.writer.flush()
            with self.context.upload_path() as path:
                Path(path, "rows.txt").write_text("".join(f"{row}\n" for row in self.rows))
            self.rows = []

        def on_finish(self):
            self.context.report_metrics("end", 1, {"done": True})
            with self.context.upload_path() as path:
                Path(path, "end.txt").write_text("the end\n")

    Everything.__qualname__ = "Everything"
    return Everything


def run_with(alone: Alone, cuts: tuple[int, ...]) -> list[Rows]:
    datasets = []
    for cut in (*cuts, None):
        datasets.append(Rows())
        try:
            alone.run(processor(cut), datasets[-1])
        except Interrupted:
            continue
    return datasets


@pytest.mark.parametrize("cuts", CUTS)
def test_output_and_results_are_the_uninterrupted_runs(alone: Alone, cuts: tuple[int, ...]) -> None:
    run_with(alone, cuts)
    assert alone.lines() == [*map(str, range(ROWS)), "the end"]
    summary = alone.summary()
    assert summary["metrics"] == {
        "total": sum(range(ROWS)),
        "mean": pytest.approx((ROWS - 1) / 2),
        "order": list(range(ROWS)),
        "bytes": 3_000 * ROWS,
        "updates": ROWS,
    }
    assert (summary["rows"], summary["attempts"]) == (ROWS, len(cuts) + 1)


@pytest.mark.parametrize("cuts", CUTS)
def test_metrics_are_kept_once(alone: Alone, cuts: tuple[int, ...]) -> None:
    run_with(alone, cuts)
    kept = _json_lines(alone.run_folder / "metrics" / "batches.jsonl")
    assert [line["steps_completed"] for line in kept] == list(range(13))
    assert sum(line["metrics"]["sum"] for line in kept) == sum(range(ROWS))
    assert [
        line["metrics"] for line in _json_lines(alone.run_folder / "metrics" / "end.jsonl")
    ] == [{"done": True}]


@pytest.mark.parametrize("cuts", CUTS)
def test_what_init_hands_over_is_kept_once(alone: Alone, cuts: tuple[int, ...]) -> None:
    def made(cut: int | None) -> type[TorchBatchProcessor]:
        class Early(TorchBatchProcessor):
            def __init__(self, context):
                with context.upload_path() as path:
                    Path(path, "labels.txt").write_text("labels\n")
                context.save("saved.jsonl", {"value": [7]}, ids=["early"])
                context.report_metrics("init", 1, {"parameters": 3})

            def process_batch(self, batch, batch_idx):
                if batch_idx == cut:
                    raise Interrupted

        return Early

    for cut in (*cuts, None):
        with contextlib.suppress(Interrupted):
            alone.run(made(cut), Rows())
    assert alone.lines() == ["labels", '{"id": "early", "value": 7}']
    assert len(_json_lines(alone.run_folder / "metrics" / "init.jsonl")) == 1


@pytest.mark.parametrize("again", [1, 2])
def test_a_death_between_seal_and_success_is_made_good(
    alone: Alone, monkeypatch: pytest.MonkeyPatch, again: int
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(reduce_shards, "finish", _interrupted)
        with pytest.raises(Interrupted):
            alone.run(processor(None), Rows())
    run_folder = alone.run_folder
    assert not (run_folder / "_SUCCESS").exists()
    last = Rows()
    alone.run(processor(None), last)
    assert last.read == []
    assert alone.run_folder == run_folder
    assert alone.lines() == [*map(str, range(ROWS)), "the end"]
    assert alone.summary()["metrics"]["total"] == sum(range(ROWS))
    if again == 2:
        alone.run(processor(None), Rows())
        assert alone.run_folder != run_folder


def _interrupted(*_: Any, **__: Any) -> None:
    raise Interrupted


def test_each_attempt_reads_only_from_the_last_commit_on(alone: Alone) -> None:
    datasets = run_with(alone, (5, 9))
    assert [dataset.read[0] for dataset in datasets] == [0, 16, 32]
    assert all(b == a + 1 for one in datasets for a, b in pairwise(one.read))


def test_every_attempts_tensorboard_files_are_kept(alone: Alone) -> None:
    run_with(alone, (5, 9))
    folders = sorted((alone.run_folder / "tensorboard").iterdir())
    assert len(folders) == 3
    assert all(any(folder.iterdir()) for folder in folders)


def test_a_class_that_depends_on_slots_gets_one_more_for_an_interruption(alone: Alone) -> None:
    def made(cut):
        class Means(TorchBatchProcessor):
            def __init__(self, context):
                self.mean = context.wrap_reducer(MeanOfMeans(), name="mean")

            def process_batch(self, batch, batch_idx):
                if batch_idx == cut:
                    raise Interrupted
                for row in batch.tolist():
                    self.mean.update(row)

        Means.__qualname__ = "Means"
        return Means

    with pytest.raises(Interrupted):
        alone.run(made(2), Rows())
    alone.run(made(None), Rows())
    first, rest = sum(range(8)) / 8, sum(range(8, ROWS)) / (ROWS - 8)
    assert alone.summary()["metrics"]["mean"] == pytest.approx((first + rest) / 2)


def test_a_reducer_that_fails_is_told_and_the_output_counts(alone: Alone) -> None:
    class Failing(TorchBatchProcessor):
        def __init__(self, context):
            self.sum = context.wrap_reducer(lambda found: found[0] / 0, name="ratio")

        def process_batch(self, batch, batch_idx):
            self.sum.update(1)

    alone.run(Failing, Rows())
    summary = alone.summary()
    assert "ZeroDivisionError" in summary["metricsError"]
    assert (summary["metrics"], summary["rows"]) == ({}, ROWS)
    assert (alone.run_folder / "_SUCCESS").exists()


def mean_of_means(finish: Any) -> type[TorchBatchProcessor]:
    class Means(TorchBatchProcessor):
        def __init__(self, context):
            self.mean = context.wrap_reducer(MeanOfMeans(), name="mean")
            self.state = context.wrap_reducer(MeanWithState(), name="state")

        def process_batch(self, batch, batch_idx):
            for row in batch.tolist():
                self.mean.update(float(row))
                self.state.update(float(row))

        def on_finish(self):
            finish()

    Means.__qualname__ = "Means"
    return Means


def test_an_attempt_without_a_batch_adds_no_slot_that_it_cannot_reduce(alone: Alone) -> None:
    with pytest.raises(Interrupted):
        alone.run(mean_of_means(_interrupted), Rows())
    alone.run(mean_of_means(lambda: None), Rows())
    summary = alone.summary()
    assert (summary["attempts"], summary["metricsError"]) == (2, None)
    assert summary["metrics"] == {"mean": (ROWS - 1) / 2, "state": (ROWS - 1) / 2}


def updating_in_init(cut: int | None, finish: Any) -> type[TorchBatchProcessor]:
    class Counting(TorchBatchProcessor):
        def __init__(self, context):
            self.kinds = [
                context.wrap_reducer(Total(), name="slot"),
                context.wrap_reducer(MeanWithState(), name="state"),
                context.wrap_reducer(list, name="function"),
            ]
            for one in self.kinds:
                one.update(1_000)

        def process_batch(self, batch, batch_idx):
            if batch_idx == cut:
                raise Interrupted
            for one in self.kinds:
                one.update(batch_idx)

        def on_finish(self):
            finish()

    Counting.__qualname__ = "Counting"
    return Counting


@pytest.mark.parametrize("cuts", [(), (0,), (2,), (0, 1, 2, 3, 5)], ids=str)
@pytest.mark.parametrize("dies_at_the_end", [False, True])
def test_what_init_updates_counts_once_however_often_it_is_called(
    alone: Alone, cuts, dies_at_the_end
) -> None:
    for cut in cuts:
        with pytest.raises(Interrupted):
            alone.run(updating_in_init(cut, lambda: None), Rows())
    if dies_at_the_end:
        with pytest.raises(Interrupted):
            alone.run(updating_in_init(None, _interrupted), Rows())
    alone.run(updating_in_init(None, lambda: None), Rows())
    updates = [1_000, *range(ROWS // 4 + 1)]
    assert alone.summary()["metrics"] == {
        "slot": sum(updates),
        "state": pytest.approx(sum(updates) / len(updates)),
        "function": updates,
    }


def test_two_reducers_that_return_one_name_are_told(alone: Alone) -> None:
    class Twice(TorchBatchProcessor):
        def __init__(self, context):
            self.named = context.wrap_reducer(len, name="rows")
            self.unnamed = context.wrap_reducer(lambda found: {"rows": len(found)})

        def process_batch(self, batch, batch_idx):
            self.named.update(1)

    alone.run(Twice, Rows())
    assert "two reducers return 'rows'" in alone.summary()["metricsError"]


def test_a_value_of_unknown_type_names_the_reducer_at_the_first_commit(alone: Alone) -> None:
    class Wrong(TorchBatchProcessor):
        def __init__(self, context):
            self.all = context.wrap_reducer(len, name="things")

        def process_batch(self, batch, batch_idx):
            self.all.update(object())

    with pytest.raises(TypeError, match="reducer 'things'.*object"):
        alone.run(Wrong, Rows())


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
