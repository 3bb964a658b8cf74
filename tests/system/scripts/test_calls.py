"""What is called when, and what a job's settings and a processor's extras lead to."""

import inspect
import json
import signal
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from batchprocess import TorchBatchProcessor
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import RunMismatch
from batchprocess.sdk.attempt import shard_ledger
from support.script_runs import Alone

ROWS = list(range(50))


class Noting(TorchBatchProcessor):
    """Notes its calls."""

    calls: list[str]

    def __init__(self, context):
        self.context = context
        self.calls.append("init")

    def process_batch(self, batch, batch_idx):
        self.calls.append(str(batch_idx))

    def on_checkpoint_start(self):
        self.calls.append("checkpoint")

    def on_finish(self):
        self.calls.append("finish")


@pytest.fixture
def noted() -> list[str]:
    Noting.calls = []
    return Noting.calls


@pytest.fixture
def in_job(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the next run be one of a job's workers, without its agent."""

    def set_environment(**settings: Any) -> Path:
        usual = {"run_uri": str(alone.folder / "job" / "run"), "shards": 1}
        made = WorkerEnvironment(job="20260101T000000Z-job", job_name="job", **(usual | settings))
        for name, value in made.to_env().items():
            monkeypatch.setenv(name, value)
        return alone.folder / "job" / "run"

    return set_environment


def records(run: Path, shard: int = 0) -> list[dict[str, Any]]:
    folder = run / "ledger" / f"{shard:05d}"
    return [json.loads(path.read_text()) for path in sorted(folder.glob("0*.json"))]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (50, "init 0 1 2 3 4 checkpoint 5 6 7 8 9 checkpoint 10 11 12 checkpoint finish"),
        (40, "init 0 1 2 3 4 checkpoint 5 6 7 8 9 checkpoint finish"),
        (3, "init 0 checkpoint finish"),
    ],
)
def test_a_checkpoint_comes_every_interval_and_once_more_for_what_is_left(
    alone: Alone, noted: list[str], rows: int, expected: str
) -> None:
    alone.run(Noting, ROWS[:rows], checkpoint_interval=5)
    assert noted == expected.split()


def test_after_the_last_commit_only_the_end_is_done_again(alone: Alone, noted: list[str]) -> None:
    class Failing(Noting):
        __qualname__ = "Noting"

        def on_finish(self):
            super().on_finish()
            raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        alone.run(Failing, ROWS)
    noted.clear()
    alone.run(Noting, ROWS)
    assert noted == ["init", "finish"]
    assert alone.summary()["rows"] == 50


def test_a_shard_without_batches_is_claimed_and_sealed(
    alone: Alone, in_job: Any, noted: list[str]
) -> None:
    run = in_job(shards=3, shard=2)
    alone.run(Noting, ROWS[:8])
    assert noted == ["init", "finish"]
    claim, seal = records(run, 2)
    assert (claim["type"], seal["type"], seal["batches"]) == ("claim", "seal", [0, 0])


def test_max_batches_bounds_each_shard(alone: Alone, in_job: Any, noted: list[str]) -> None:
    run = in_job(shards=2, shard=1, max_batches=3)
    alone.run(Noting, ROWS)
    assert [call for call in noted if call.isdecimal()] == ["0", "1", "2"]
    assert [r["rows"] for r in records(run, 1) if r["type"] == "commit"] == [[28, 36], [36, 40]]


def test_a_job_may_bound_the_time_between_checkpoints(
    alone: Alone, in_job: Any, noted: list[str]
) -> None:
    in_job(checkpoint_seconds=1e-9)
    alone.run(Noting, ROWS[:12], checkpoint_interval=1_000)
    assert noted == ["init", "0", "checkpoint", "1", "checkpoint", "2", "checkpoint", "finish"]


def test_another_number_of_shards_is_refused_before_anything_is_built(
    alone: Alone, in_job: Any, noted: list[str]
) -> None:
    in_job(shards=2, shard=0)
    alone.run(Noting, ROWS)
    noted.clear()
    in_job(shards=3, shard=1)
    with pytest.raises(RunMismatch, match="shards is 3, but this run was started with 2"):
        alone.run(Noting, ROWS)
    assert noted == []


def test_the_store_is_probed_once_a_run(
    alone: Alone, in_job: Any, noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    probed: list[str] = []
    monkeypatch.setattr(shard_ledger, "probe", lambda store, *_: probed.append(store.uri))
    for shard in (0, 1):
        in_job(shards=2, shard=shard)
        alone.run(Noting, ROWS)
    assert len(probed) == 1


def test_models_that_were_used_are_in_records_and_summary(alone: Alone) -> None:
    class Linking(TorchBatchProcessor):
        def __init__(self, context):
            context.report_task_using_model_version("resnet:3")
            context.report_task_using_checkpoint("s3://models/1")

        def process_batch(self, batch, batch_idx):
            pass

    alone.run(Linking, ROWS)
    models = [{"model_version": "resnet:3"}, {"checkpoint": "s3://models/1"}]
    assert next(r for r in records(alone.run_folder) if r["type"] == "commit")["models"] == models
    assert alone.summary()["models"] == models


def test_a_processor_may_bring_its_own_profiler(alone: Alone, tmp_path: Path) -> None:
    class Profiled(TorchBatchProcessor):
        def __init__(self, context):
            self.traces = tmp_path / "traces"
            self.profiler = torch.profiler.profile(
                activities=[torch.profiler.ProfilerActivity.CPU],
                acc_events=True,
                on_trace_ready=torch.profiler.tensorboard_trace_handler(str(self.traces)),
            )

        def process_batch(self, batch, batch_idx):
            with self.profiler as profiler:
                batch.float().mean()
                profiler.step()

    alone.run(Profiled, ROWS[:8])
    assert list((tmp_path / "traces").glob("*.pt.trace.json*"))
    assert not (alone.run_folder / "tensorboard").exists()


def test_a_failure_of_user_code_leaves_a_note_beside_the_ledger(alone: Alone) -> None:
    class Broken(Noting):
        calls: ClassVar = []

        def process_batch(self, batch, batch_idx):
            if batch_idx == 3:
                raise ValueError("a bad row")

    with pytest.raises(ValueError, match="a bad row"):
        alone.run(Broken, ROWS)
    (note,) = (alone.run_folder / "ledger" / "00000").glob("failed-*.json")
    assert note.name.startswith("failed-3-")
    said = json.loads(note.read_text())
    assert "process_batch raised ValueError: a bad row (batch 3 of shard 0" in said["error"]
    assert "Traceback" in said["traceback"]


def interrupts_of_worker(rows: list[int]) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_loader_processes_outlive_an_interrupt(alone: Alone) -> None:
    ignored: list[bool] = []

    class Asking(TorchBatchProcessor):
        def __init__(self, context):
            pass

        def process_batch(self, batch, batch_idx):
            ignored.append(batch)

    options = {"num_workers": 1, "collate_fn": interrupts_of_worker}
    alone.run(Asking, ROWS[:8], dataloader_kwargs=options)
    assert ignored == [True, True]


@pytest.mark.parametrize(
    ("options", "match"),
    [({"batch_size": None}, "batch_size was given nowhere"), ({"max_batches": 0}, "max_batches=0")],
)
def test_a_warning_of_the_call_names_the_line_that_called(
    alone: Alone, noted: list[str], options: dict[str, Any], match: str
) -> None:
    with pytest.warns(UserWarning, match=match) as caught:
        alone.run(Noting, ROWS[:4], **options)
    assert {warning.filename for warning in caught} == {inspect.getfile(Alone)}
