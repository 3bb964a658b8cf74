"""What user code draws depends on the run and the batch, not on who processes it, or when."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from batchprocess import TorchBatchProcessor, results
from batchprocess.ledger.run import require_same
from batchprocess.protocol.errors import RunMismatch
from batchprocess.protocol.run import Asked, RunInfo, Seeds
from batchprocess.sdk.seeding.generators import set_generators
from support.script_runs import Alone, Script
from support.skipping_runs import skips

__all__ = ["skips"]

ROWS = 24


class Augmented(Dataset):
    """Rows with what is drawn while they are read."""

    def __len__(self) -> int:
        return ROWS

    def __getitem__(self, row: int) -> list[float]:
        return draws()


def draws() -> list[float]:
    return [float(torch.rand(())), np.random.random(), random.random()]


class Interrupted(Exception):
    """A kill."""


def processor(cut: int | None, seed: int | None = None) -> type[TorchBatchProcessor]:
    """Saves what items and `process_batch` draw; dies before it has processed batch `cut`."""

    class Draws(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.context = context
            draws()  # as a model that is initialized does
            if seed is not None:
                seed_all(seed)

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            if batch_idx == cut:
                raise Interrupted
            rows = torch.stack(batch, dim=1).tolist()
            own = [[*draws(), float(self.context.seed)] for _ in rows]
            self.context.save("draws.jsonl", {"read": rows, "drawn": own})

        def on_checkpoint_start(self) -> None:
            self.context.report_metrics("hook", self.step(), {"draws": draws()})

        def on_finish(self) -> None:
            with self.context.upload_path() as path:
                Path(path, "finish.json").write_text(json.dumps(draws()))

        def step(self) -> int:
            self.steps = getattr(self, "steps", 0) + 1
            return self.steps

    Draws.__qualname__ = "Draws"
    return Draws


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def run(alone: Alone, *cuts: int, seed: int | None = None, workers: int = 0) -> list[Any]:
    for attempt, cut in enumerate((*cuts, None)):
        seed_all(1 + attempt)
        try:
            alone.run(processor(cut, seed), Augmented(), dataloader_kwargs={"num_workers": workers})
        except Interrupted:
            assert cut is not None
    return [json.loads(line) for line in alone.lines()]


def begun(alone: Alone) -> RunInfo:
    return RunInfo.model_validate_json((alone.run_folder / "run.json").read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_run_equals_the_uninterrupted_one(alone: Alone, workers: int) -> None:
    interrupted = run(alone, 3, 3, 5, seed=7, workers=workers)
    assert run(alone, seed=7, workers=workers) == interrupted
    read = [number for line in interrupted[:-1] for number in line["read"]]
    assert len(set(read)) == 3 * ROWS


def test_seeds_are_kept_with_the_run_and_say_what_every_batch_draws(alone: Alone) -> None:
    lines, seeds = run(alone, 4), begun(alone).seeds
    assert seeds is not None
    expected: list[tuple[list[float], list[float]]] = []
    for batch in range(6):
        set_generators(seeds.loader, batch)
        read = [draws() for _ in range(4)]
        set_generators(seeds.loop, 4 * batch)
        expected += zip(read, [draws() for _ in range(4)], strict=True)
    for line, (read, drawn) in zip(lines[:-1], expected, strict=True):
        assert line["read"] == pytest.approx(read)
        assert line["drawn"][:3] == pytest.approx(drawn)
    assert len({line["drawn"][3] for line in lines[:-1]}) == 6


def test_a_seed_that_the_code_sets_before_the_call_or_in_init_counts(alone: Alone) -> None:
    def with_seeds(before: int, inside: int) -> tuple[Seeds, Seeds]:
        seed_all(before)
        alone.run(processor(None, inside), Augmented())
        seeds = begun(alone).seeds
        assert seeds is not None
        return seeds.loader, seeds.loop

    first = with_seeds(1, 2)
    assert with_seeds(1, 2) == first
    loader, loop = with_seeds(1, 3)
    assert (loader == first[0], loop == first[1]) == (True, False)
    loader, loop = with_seeds(4, 2)
    assert (loader == first[0], loop == first[1]) == (False, True)


def test_a_run_that_was_begun_without_seeds_goes_on_without(alone: Alone) -> None:
    class NoSeeds(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.context = context
            random.seed(1)

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            if cut and batch_idx == 2:
                raise Interrupted
            self.context.save("draws.jsonl", {"drawn": [random.random() for _ in batch]})

    cut = True
    with pytest.raises(Interrupted):
        alone.run(NoSeeds, list(range(ROWS)))
    path = alone.run_folder / "run.json"
    old = json.loads(path.read_bytes())
    del old["seeds"], old["asked"]["seed"]
    path.write_text(json.dumps(old))
    cut = False
    alone.run(NoSeeds, list(range(ROWS)))
    random.seed(1)
    drawn = [json.loads(line)["drawn"] for line in alone.lines()]
    assert drawn[8:12] == [random.random() for _ in range(4)]


JOB = """
import json, random
from batchprocess import TorchBatchProcessor, torch_batch_process

class P(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("out.jsonl", {"drawn": [random.random() for _ in batch]})

torch_batch_process(P, list(range(8)), batch_size=2)
"""


@pytest.mark.slow
def test_a_jobs_seed_makes_two_runs_equal_and_its_shards_different(script: Script) -> None:
    script.write("job.py", JOB)
    outputs = {}
    for uri, seed in (("a", 5), ("b", 5), ("c", 6)):
        output = {"uri": uri}
        script.job(command=["python", "job.py"], shards=2, seed=seed, runId="r", output=output)
        done = script.batchprocess("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        run = str(script.folder / uri / "job" / "r")
        lines = [line for one in results(run) for line in one.read().splitlines()]
        outputs[uri] = [json.loads(line)["drawn"] for line in lines]
    assert outputs["a"] == outputs["b"] != outputs["c"]
    assert len(set(outputs["a"])) == 8


def test_another_seed_is_another_job() -> None:
    made = RunInfo(rows=8, batch_size=2, batches=4, shards=2, processor="P")
    stored = made.model_copy(update={"asked": Asked(shards=2, seed=5)})
    for seed, said in ((6, "seed is 6, .* with 5"), (None, "seed is not set, .* with 5")):
        with pytest.raises(RunMismatch, match=said):
            require_same(made.model_copy(update={"asked": Asked(shards=2, seed=seed)}), stored)


def test_a_row_that_is_tried_alone_has_the_generator_of_its_batch_anew(skips: Alone) -> None:
    seen: dict[tuple[int, ...], float] = {}

    class Draws(TorchBatchProcessor):
        def __init__(self, context: Any) -> None:
            self.context = context

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            rows = tuple(self.context.rows)
            seen[rows] = float(torch.rand((), generator=self.context.generator()))
            if 2 in rows:
                raise ValueError("no 2")

    skips.run(Draws, list(range(8)))
    assert {seen[row,] for row in range(4)} == {seen[0, 1, 2, 3]} != {seen[4, 5, 6, 7]}
