"""Batches side by side on a GPU: results of any stream, random numbers, and streams that leak."""

import asyncio
import json
import random
from typing import Any

import pytest
import torch

from batchprocess import TorchBatchProcessor, results
from support.script_runs import Alone

ROWS = 200


class Doubles(TorchBatchProcessor):
    def __init__(self, context: Any) -> None:
        self.context = context
        self.weight = torch.full((1,), 2.0, device=context.device)
        self.most = context.wrap_reducer(max, name="most")

    async def process_batch(self, batch: Any, batch_idx: int) -> None:
        x = self.context.to_device(batch)
        draw = torch.rand((), device=x.device, generator=self.context.generator(x.device))
        await asyncio.sleep(random.Random(batch_idx).random() * 0.03)
        doubled = x * self.weight
        assert not doubled.requires_grad
        self.context.save("rows.jsonl", {"row": doubled, "draw": draw.expand(len(x))})
        self.most.update(doubled.max())
        doubled.zero_()  # it was copied in the call, and so was what the reducer got


def rows(alone: Alone) -> list[dict[str, Any]]:
    files = [one for one in results(str(alone.run_folder)) if one.file.name == "rows.jsonl"]
    return [json.loads(line) for one in files for line in one.read().splitlines()]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("pin", [None, False])
def test_results_and_random_numbers_are_those_of_each_batch(
    alone: Alone, workers: int, pin: bool | None
) -> None:
    options = {"num_workers": workers} | ({} if pin is None else {"pin_memory": pin})
    draws = []
    for window in (1, 16):
        data = [float(row) for row in range(ROWS)]
        alone.run(Doubles, data, max_in_flight=window, dataloader_kwargs=options)
        found = rows(alone)
        assert [one["row"] for one in found] == [2.0 * row for row in range(ROWS)]
        assert alone.summary()["metrics"] == {"most": 2.0 * (ROWS - 1)}
        draws.append({one["draw"] for one in found})
    assert len(draws[0]) == ROWS / 4


def test_a_stream_of_its_own_may_be_used_but_not_held_over_an_await(alone: Alone) -> None:
    class Holds(Doubles):
        async def process_batch(self, batch: Any, batch_idx: int) -> None:
            stream = torch.cuda.Stream()
            with torch.cuda.stream(stream):
                torch.ones(8, device=self.context.device).sum()
            if batch_idx == 5:
                with torch.cuda.stream(stream):
                    await asyncio.sleep(0.01)
            await super().process_batch(batch, batch_idx)

    with pytest.raises(RuntimeError, match="process_batch has changed the current stream"):
        alone.run(Holds, [float(row) for row in range(ROWS)])
    assert len(rows(alone)) == 20
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
