"""The loop as a whole: sent ahead, saved behind, read before the claim, and reported in figures."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

from batchprocess import TorchBatchProcessor, results
from batchprocess.sdk.attempt.resources import AttemptResources
from batchprocess.sdk.save.saver import Saver
from batchprocess.storage.local import LocalStorage
from support.fake_gpu import FakeGpu
from support.pod_runs import Pod
from support.rough import Images, plain, processor, same
from support.script_runs import Alone

ROWS = 50
CUTS = [(), (0,), (3,), (2, 5, 9), (4, 4, 8, 11, 12)]


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_user_code_sees_what_it_sees_in_a_plain_loop(
    alone: Alone, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    gpu, found = FakeGpu(), []
    monkeypatch.setattr(AttemptResources, "_gpu", gpu)
    alone.run(processor(found), Images(ROWS), dataloader_kwargs={"num_workers": workers})
    same(found[0], plain(Images(ROWS), 4, torch.device("cpu")))
    assert gpu.port.received > 4


@pytest.mark.slow
def test_batches_in_slots_are_kept_changed_and_freed_as_any_other(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu, found = FakeGpu(), []
    monkeypatch.setattr(AttemptResources, "_gpu", gpu)
    monkeypatch.setattr("batchprocess.sdk.input.loader.has_gpu", lambda: True)
    alone.run(processor(found), Images(ROWS, 96), dataloader_kwargs={"num_workers": 2})
    same(found[0], plain(Images(ROWS, 96), 4, torch.device("cpu")))


def test_a_script_alone_reads_each_of_its_records_once_at_the_end(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, get = [], LocalStorage.get

    def counted(storage: LocalStorage, key: str) -> bytes | None:
        body = get(storage, key)
        read.extend([key] if body is not None and key.startswith("ledger/") else [])
        return body

    monkeypatch.setattr(LocalStorage, "get", counted)
    alone.run(saving(None), TensorDataset(torch.arange(float(ROWS))))
    assert len(read) == len(set(read)) == 9  # claim, seven commits, seal


class Interrupted(Exception):
    """Stands for whatever ends a process."""


def saving(cut: int | None) -> type[TorchBatchProcessor]:
    """Saves doubled rows; dies before it has processed batch `cut`."""

    class Saving(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context

        def process_batch(self, batch, batch_idx):
            if batch_idx == cut:
                raise Interrupted
            (rows,) = batch
            self.context.save("doubled.jsonl", {"doubled": rows * 2})
            self.context.save("names.jsonl", ["x"] * len(rows), ids=[f"r{int(r)}" for r in rows])

        def on_finish(self):
            self.context.save("end.jsonl", [1], ids=["end"])

    Saving.__qualname__ = "Saving"
    return Saving


@pytest.mark.parametrize(("returned", "warnings"), [(torch.ones(1), 1), ([], 1), (None, 0)])
def test_what_process_batch_returns_is_dropped_with_one_warning(
    alone: Alone, caplog: pytest.LogCaptureFixture, returned: Any, warnings: int
) -> None:
    class Returning(TorchBatchProcessor):
        def __init__(self, context):
            pass

        def process_batch(self, batch, batch_idx):
            return returned

    alone.run(Returning, TensorDataset(torch.arange(ROWS)))
    found = [one for one in caplog.messages if "context.save(name, rows)" in one]
    assert len(found) == warnings


@pytest.mark.parametrize("cuts", CUTS)
def test_saved_rows_are_those_of_the_uninterrupted_run(alone: Alone, cuts: tuple[int, ...]) -> None:
    for cut in (*cuts, None):
        try:
            alone.run(saving(cut), TensorDataset(torch.arange(float(ROWS))))
        except Interrupted:
            continue
    lines: dict[str, list[Any]] = {}
    for one in results(str(alone.run_folder)):
        lines.setdefault(one.file.name, []).extend(map(json.loads, one.read().splitlines()))
    assert lines["doubled.jsonl"] == [{"id": row, "doubled": row * 2.0} for row in range(ROWS)]
    assert [line["id"] for line in lines["names.jsonl"]] == [f"r{row}" for row in range(ROWS)]
    assert lines["names.jsonl"][0] == {"id": "r0", "names": "x"}
    assert lines["end.jsonl"] == [{"id": "end", "end": 1}]


def test_rows_without_ids_need_a_batch_of_their_length(alone: Alone) -> None:
    class Wrong(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context

        def process_batch(self, batch, batch_idx):
            self.context.save("x.jsonl", torch.ones(3))

    with pytest.raises(ValueError, match="3 rows and no ids, but the batch has 4: give ids="):
        alone.run(Wrong, TensorDataset(torch.ones(8)))


def test_a_thread_of_the_users_does_not_get_the_ids_of_another_batch(alone: Alone) -> None:
    class Late(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context
            self.pool = ThreadPoolExecutor(1)

        def process_batch(self, batch, batch_idx):
            self.pool.submit(self.context.save, "x.jsonl", torch.ones(4)).result()

    with pytest.raises(ValueError, match="4 rows and no ids, but there is no batch here: give ids"):
        alone.run(Late, TensorDataset(torch.ones(8)))


@pytest.mark.parametrize(
    ("name", "file", "match"),
    [
        ("x.jsonl", "x.jsonl", r"'x.jsonl' was written by upload_path\(\) and by save"),
        ("x.jsonl", "x.jsonl/y", "'x.jsonl' was written as a file and as a folder"),
    ],
)
def test_one_name_by_save_and_by_upload_path_is_an_error(
    alone: Alone, name: str, file: str, match: str
) -> None:
    class Twice(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context

        def process_batch(self, batch, batch_idx):
            self.context.save(name, torch.ones(4))
            with self.context.upload_path() as path:
                (path / file).parent.mkdir(exist_ok=True)
                (path / file).touch()

    with pytest.raises(ValueError, match=match):
        alone.run(Twice, TensorDataset(torch.ones(4)), checkpoint_interval=1)


class Noted(Images):
    """Leaves a file when its first row is read by a loader process."""

    def __init__(self, note: Path) -> None:
        super().__init__(8)
        self.note = note

    def __getitem__(self, row: int) -> dict[str, Any]:
        if torch.utils.data.get_worker_info() is not None:
            self.note.touch()
        return super().__getitem__(row)


@pytest.mark.slow
def test_batches_are_read_but_not_processed_before_the_claim(alone: Alone, tmp_path: Path) -> None:
    note, seen = tmp_path / "read", []

    class Waiting(TorchBatchProcessor):
        def __init__(self, context):
            deadline = time.monotonic() + 60
            while not note.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.append((note.exists(), list(alone.folder.rglob("ledger"))))

        def process_batch(self, batch, batch_idx):
            assert list(alone.run_folder.rglob("ledger/*/00000001.json"))

    alone.run(Waiting, Noted(note), dataloader_kwargs={"num_workers": 1})
    assert seen == [(True, [])]


def test_a_processor_that_fails_to_build_ends_the_loader_workers(alone: Alone) -> None:
    class Broken(TorchBatchProcessor):
        def __init__(self, context):
            raise KeyError("weights")

        def process_batch(self, batch, batch_idx):
            raise AssertionError

    with pytest.raises(KeyError, match="weights"):
        alone.run(Broken, Images(8), dataloader_kwargs={"num_workers": 1})


class Waiter(TorchBatchProcessor):
    """Spends a known part of its time in user code."""

    def __init__(self, context):
        pass

    def process_batch(self, batch, batch_idx):
        time.sleep(0.02)


def test_every_record_says_where_the_time_went(alone: Alone) -> None:
    alone.run(Waiter, TensorDataset(torch.ones(20)))
    ledger = sorted((alone.run_folder / "ledger" / "00000").glob("0*.json"))
    records = [json.loads(path.read_text()) for path in ledger]
    spent = [record["spent"] for record in records if record["type"] != "claim"]
    assert [one["user"] >= 0.04 for one in spent] == [True] * 4
    assert spent[-1]["user"] >= 0.1
    assert spent[-1]["device"] == 0
    assert spent[-1]["storage"] >= 0


def test_waiting_for_the_encoder_in_a_hook_is_storage(alone: Alone, monkeypatch) -> None:
    def slow(saver: Saver, name: str, columns: Any, ids: Any, schema: Any) -> None:
        time.sleep(1)
        saver._budget.waited += 1

    class Late(Waiter):
        def __init__(self, context):
            self.context = context

        def on_finish(self):
            self.context.save("x.jsonl", [1], ids=[1])

    monkeypatch.setattr(Saver, "save", slow)
    alone.run(Late, TensorDataset(torch.ones(4)))
    last = max((alone.run_folder / "ledger" / "00000").glob("0*.json"))
    spent = json.loads(last.read_text())["spent"]
    assert spent["storage"] >= 1 > spent["user"]


COMPILING = """
import tempfile
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp()

class Compiling(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        self.model = context.prepare_model_for_inference(torch.nn.Linear(4, 4), compile=True)

    def process_batch(self, batch, batch_idx):
        with torch.no_grad():
            self.model(batch[0])

    def on_finish(self):
        seen = torch._dynamo.utils.counters["inductor"]
        hits, misses = seen["fxgraph_cache_hit"], seen["fxgraph_cache_miss"]
        pathlib.Path("seen").write_text(f"{hits} hits, {misses} misses")

torch_batch_process(Compiling, TensorDataset(torch.ones(16, 4)), batch_size=4)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, pytest.param(False, marks=pytest.mark.full)])
def test_compiled_code_is_made_once_a_run_unless_that_is_off(tmp_path: Path, kept: bool) -> None:
    pod, seen = Pod(tmp_path), []
    for shard in range(2):
        ended = pod.run(COMPILING, shards=2, index=shard, compile_cache=kept)
        assert ended.code == 0, ended.stderr
        seen.append((tmp_path / "seen").read_text())
    assert seen == ["0 hits, 1 misses", "1 hits, 0 misses" if kept else "0 hits, 1 misses"]
    assert len(list((tmp_path / "run").glob("cache/*.json"))) == (1 if kept else 0)


RAISING = """
class Raising(Base):
    def process_batch(self, batch, batch_idx):
        if batch_idx == 6:
            raise ValueError("broken")
        super().process_batch(batch, batch_idx)
go(Raising)
"""


@pytest.mark.slow
@pytest.mark.parametrize("profile", [False, True])
def test_a_failing_batch_ends_the_process_in_order_and_shows_the_users_calls(
    tmp_path: Path, profile: bool
) -> None:
    ended = Pod(tmp_path).run(RAISING, profile=profile)
    assert ended.code == 90, ended.stderr
    assert "in process_batch" in ended.stderr
    assert "sdk/attempt/loop.py" not in ended.stderr
