"""How an attempt on a GPU ends by an error of user code, and what it keeps."""

import json
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor
from batchprocess.sdk.report.failure_facts import facts_of
from support.pod_runs import Pod
from support.script_runs import Alone

SIDE = 64
ROWS = 40


class Images(torch.utils.data.Dataset[torch.Tensor]):
    """Large enough to travel in slots; `ends` is raised for row 25."""

    def __init__(self, ends: BaseException | None = None) -> None:
        self.ends = ends

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> torch.Tensor:
        if row == 25 and self.ends is not None:
            raise self.ends
        return torch.full((3, SIDE, SIDE), float(row))


class Means(TorchBatchProcessor):
    """Saves what the GPU makes of every batch, at once."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def process_batch(self, batch: torch.Tensor, batch_idx: int) -> None:
        there = self.context.to_device(batch)
        self.context.save("x.jsonl", {"x": there.mean(dim=(1, 2, 3))})


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("ends", [ValueError("row 25"), SystemExit(3)])
def test_the_row_is_known_and_batches_before_it_are_kept(
    alone: Alone, cuda: torch.device, ends: BaseException, workers: int
) -> None:
    options: dict[str, Any] = {
        "checkpoint_interval": 10,
        "dataloader_kwargs": {"num_workers": workers},
    }
    with pytest.raises(Exception, match="row 25") as raised:  # named by the text of either
        alone.run(Means, Images(ends), **options)
    error = raised.value if isinstance(ends, Exception) else raised.value.__cause__
    assert error is not None
    assert facts_of(error).row == 25
    (last,) = list((alone.run_folder / "ledger/00000").glob("00000002.json"))
    assert json.loads(last.read_text())["batches"] == [0, 6]
    alone.run(Means, Images(), **options)
    assert [json.loads(line) for line in alone.lines()] == [
        {"id": row, "x": float(row)} for row in range(ROWS)
    ]


ASSERTS = """
class P(Base):
    on_checkpoint_start = TorchBatchProcessor.on_checkpoint_start
    def process_batch(self, batch, batch_idx):
        there = self.context.to_device(batch.float())
        if batch_idx == 1:
            there[torch.full((1,), 10**6, device=there.device)]
        elif batch_idx == 2:
            raise ValueError("before anybody has waited for the GPU")
go(P, checkpoint_interval=10)
"""


def test_nothing_is_kept_of_a_gpu_that_has_failed(pod: Pod, cuda: torch.device) -> None:
    ended = pod.run(ASSERTS, gpus=1)
    assert ended.code in (1, 90), ended.stderr
    assert ended.message["shards"][0]["cursor"] == 0
    assert "are not committed" in ended.stderr
