"""Copies on side streams are right to the bit, however user code treats its batches."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from batchprocess import TorchBatchProcessor, results
from batchprocess.sdk.attempt.gpu import Gpu
from batchprocess.sdk.device.in_flight import BatchesInFlight
from batchprocess.sdk.input.host_to_device import CudaPort
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.save.device_to_host import CudaReturn
from support.rough import Images, plain, processor, same
from support.script_runs import Alone


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("size", [8, 224])
def test_user_code_sees_what_it_sees_in_a_plain_loop(
    alone: Alone, cuda: torch.device, workers: int, size: int
) -> None:
    dataset, found = Images(16 * 48 + 5, size), []
    alone.run(processor(found), dataset, batch_size=16, dataloader_kwargs={"num_workers": workers})
    same(found[0], plain(dataset, 16, cuda))


def test_numpy_is_seen_in_pinned_memory_and_changes_are(cuda: torch.device) -> None:
    port = CudaPort(cuda)
    pinned = port.pin(torch.ones(4))
    assert pinned.is_pinned()
    assert pinned.untyped_storage().resizable()
    pinned.numpy()
    assert not pinned.untyped_storage().resizable()


def test_a_copy_ahead_is_the_tensor_and_lives_as_long_as_it_is_used(cuda: torch.device) -> None:
    """Busy streams: the memory of a freed copy must not be given to the next too early."""
    prefetch = Prefetch(CudaPort(cuda), everything=True)
    weight = torch.randn(4096, 4096, device=cuda)
    sums, right = [], []
    for number in range(60):
        batch = torch.full((64, 4096), float(number))
        given = prefetch.stage(batch)
        later = prefetch.stage(torch.full((64, 4096), -1.0))
        prefetch.begin_batch()
        there = prefetch.device_copy(given)
        for _ in range(4):
            weight = weight @ weight / 64  # queued before the copy is read
        sums.append(there.double().sum() + 0 * weight.sum().double().nan_to_num())
        del there, later
        prefetch.begin_batch()
        right.append(float(number) * 64 * 4096)
    assert [one.item() for one in sums] == right


def test_a_batch_may_be_changed_as_soon_as_to_device_returns(cuda: torch.device) -> None:
    gpu = Gpu(cuda, everything=True)
    for number in range(50):
        batch = gpu.prefetch.stage(torch.full((8 << 20,), float(number)))
        gpu.prefetch.begin_batch()
        there = gpu.to_device(batch)
        batch.fill_(-1)
        again = gpu.to_device(batch)
        batch.fill_(-2)
        assert (there == number).all()
        assert (again == -1).all()


def test_a_copy_comes_behind_what_the_gpu_still_writes_to_page_locked_memory(cuda) -> None:
    gpu, host = Gpu(cuda), torch.zeros(4 << 20).pin_memory()
    busy, ones = torch.randn(8192, 8192, device=cuda), torch.ones(4 << 20, device=cuda)
    for _ in range(20):
        busy @ busy
    host.copy_(ones, non_blocking=True)
    assert (gpu.to_device(host) == 1).all()


def test_few_batches_are_under_way_and_their_time_is_known(cuda: torch.device) -> None:
    in_flight = BatchesInFlight(cuda)
    matrix = torch.randn(4096, 4096, device=cuda)
    for _ in range(50):
        in_flight.begin()
        matrix @ matrix
        in_flight.end()
        assert len(in_flight._open) < 8
    in_flight.drain()
    assert 0 < in_flight.seconds < 10


FORMATS = ["rows.jsonl", "rows.npy", "rows.safetensors", "rows.parquet"]


@pytest.mark.parametrize("name", FORMATS)
def test_saved_rows_are_what_they_were_when_save_was_called(alone: Alone, name: str) -> None:
    class Saving(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context
            self.reused = torch.empty(64, 32, device=context.device)

        def process_batch(self, batch, batch_idx):
            rows = self.context.to_device(batch[0])
            for _ in range(20):  # keep the stream busy, so that copies lag behind
                torch.randn(2048, 2048, device=rows.device) @ torch.randn(2048, 2048, device="cuda")
            self.reused[: len(rows)] = rows
            self.context.save(name, self.reused[: len(rows)])
            self.reused.fill_(-1)

    rows = torch.arange(1000.0).reshape(-1, 1).expand(1000, 32).contiguous()
    alone.run(Saving, TensorDataset(rows), batch_size=64, checkpoint_interval=3)
    assert np.array_equal(read(alone, name), rows.numpy())


def read(alone: Alone, name: str) -> Any:
    parts = [one for one in results(str(alone.run_folder)) if one.file.name == name]
    paths = [alone.run_folder / one.file.key for one in parts]
    if name.endswith(".jsonl"):
        lines = [line for path in paths for line in path.read_text().splitlines()]
        return np.array([json.loads(line)["rows"] for line in lines])
    if name.endswith(".npy"):
        return np.concatenate([np.load(path) for path in paths])
    if name.endswith(".safetensors"):
        from safetensors.numpy import load_file

        return np.concatenate([load_file(path)["rows"] for path in paths])
    import pyarrow.parquet as pq

    return np.concatenate([np.array(pq.read_table(path)["rows"].to_pylist()) for path in paths])


def test_bfloat16_is_kept(alone: Alone) -> None:
    class Saving(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context

        def process_batch(self, batch, batch_idx):
            rows = self.context.to_device(batch[0]).to(torch.bfloat16)
            self.context.save("rows.npy", rows)

    alone.run(Saving, TensorDataset(torch.arange(100.0)), batch_size=8)
    assert read(alone, "rows.npy").tolist() == list(range(100))


ASSERTING = """
class Asserting(Base):
    def process_batch(self, batch, batch_idx):
        if batch_idx == 9:  # the last one; nothing ever looks at the result
            table = torch.ones(4, device="cuda")
            self.lost = table[torch.tensor([7], device="cuda")]
        super().process_batch(batch, batch_idx)
go(Asserting)
"""


def test_an_error_of_the_gpu_that_nobody_looks_at_comes_before_the_seal(pod) -> None:
    ended = pod.run(ASSERTING)
    assert ended.code == 1, ended.stderr
    assert ended.message["shards"][0]["sealed"] is False


TWO = """
class Telling(Base):
    def __init__(self, context):
        super().__init__(context)
        shard = context.get_distributed_rank()
        uuid = torch.cuda.get_device_properties(context.device).uuid
        pathlib.Path(f"gpu-{shard}").write_text(f"{uuid} {torch.cuda.device_count()}")
go(Telling)
"""


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_each_child_of_a_pod_sees_one_gpu_of_its_own(pod, tmp_path) -> None:
    ended = pod.run(TWO, shards=2, processes_per_worker=2, gpus=2)
    assert ended.code == 0, ended.stderr
    first, second = ((tmp_path / f"gpu-{shard}").read_text().split() for shard in range(2))
    assert first[0] != second[0]
    assert (first[1], second[1]) == ("1", "1")


def test_batches_are_sent_ahead_however_many_have_passed(cuda: torch.device) -> None:
    """8 GiB of page-locked batches pass, few at a time: there is always room for the next."""
    port = CudaPort(cuda)
    for _ in range(128):
        assert port.has_room(64 << 20)
        port.receive(port.send(port.pin(torch.empty(64 << 20, dtype=torch.uint8))))
    kept = [port.pin(torch.empty(64 << 20, dtype=torch.uint8)) for _ in range(33)]
    assert not port.has_room(64 << 20)
    del kept
    assert port.has_room(64 << 20)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_result_on_another_gpu_comes_back_whole() -> None:
    """A model may lie on both; the first one's streams know nothing of the second's work."""
    back, other = CudaReturn(), torch.device("cuda", 1)
    weight = torch.randn(8192, 8192, device=other)
    for number in range(1, 9):
        for _ in range(16):
            weight @ weight
        made = torch.full((1 << 24,), float(number), device=other)
        copy = back.fetch(made)
        made.zero_()
        assert (copy.wait() == number).all()
