"""One processor of a user: as written for Determined, and with our one-line changes."""

import pathlib
import time
from typing import Any

import torch
from work import Job

first_batch: list[float] = []
"""When the first batch was done, by `time.perf_counter`."""


def batch_done() -> None:
    """Called by every runner after each batch."""
    if not first_batch:
        first_batch.append(time.perf_counter())


def unchanged(base: type, job: Job) -> type:
    """Collects results, and saves them by `torch.save` at every checkpoint."""

    class Unchanged(base):  # type: ignore[misc]
        def __init__(self, context: Any) -> None:
            self.context = context
            self.model = context.prepare_model_for_inference(job.model())
            self.output: list[torch.Tensor] = []
            self.last_index = 0

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            with torch.no_grad():
                self.output.append(self.model(self.context.to_device(batch)))
            self.last_index = batch_idx
            batch_done()

        def on_checkpoint_start(self) -> None:
            if not self.output:
                return
            with self.context.upload_path() as path:
                torch.save(self.output, pathlib.Path(path, f"out_{self.last_index}"))
            self.output = []

    return Unchanged


def saving(base: type, job: Job, name: str, **options: Any) -> type:
    """Hands results over by `context.save`; `options` are those of the preparation."""

    class Saving(base):  # type: ignore[misc]
        def __init__(self, context: Any) -> None:
            self.context = context
            self.model = context.prepare_model_for_inference(job.model(), **options)

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            with torch.no_grad():
                self.context.save(name, self.model(self.context.to_device(batch)))
            batch_done()

    return Saving


def grouped(base: type, job: Job, name: str) -> type:
    """Works group by group of a batch that was cut by length, and saves in the rows' order."""

    class Grouped(base):  # type: ignore[misc]
        def __init__(self, context: Any) -> None:
            self.context = context
            self.model = context.prepare_model_for_inference(job.model())

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            with torch.no_grad():
                made = [self.model(one) for one in self.context.to_device(batch["padded"])]
            self.context.save(name, batch["groups"].restore(made))
            batch_done()

    return Grouped


def silent(base: type, job: Job) -> type:
    """Keeps nothing: only the loop is left."""

    class Silent(base):  # type: ignore[misc]
        def __init__(self, context: Any) -> None:
            self.context = context
            self.model = context.prepare_model_for_inference(job.model())

        def process_batch(self, batch: Any, batch_idx: int) -> None:
            with torch.no_grad():
                self.model(self.context.to_device(batch))
            batch_done()

    return Silent
