"""A processor that keeps, changes and frees batches in every way, and what a plain loop says."""

from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from batchprocess import TorchBatchProcessor


class Images(Dataset):
    """Small images with a label; the same on every read."""

    def __init__(self, rows: int, size: int = 8) -> None:
        self.rows, self.size = rows, size

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"image": torch.full((3, self.size, self.size), float(row)), "label": row}


class Rough:
    """One batch of user code; `to_device` is the context's, or plain torch's."""

    def __init__(self, to_device: Any) -> None:
        self.to_device = to_device
        self.kept: list[Any] = []
        self.on_device: list[torch.Tensor] = []
        self.sums: list[float] = []

    def step(self, batch: dict[str, Any], number: int) -> None:
        way = number % 8
        if way == 1:
            batch["image"] += 1
        elif way == 2:
            batch["image"].numpy()[:] = 5
        elif way == 3:
            batch["image"] = batch["image"] * 2
        image = self.to_device(batch["image"])
        label = self.to_device(batch)["label"] if way == 4 else self.to_device(batch["label"])
        if way == 5:
            batch["image"].zero_()
        elif way == 6:
            image.mul_(3)
            image = self.to_device(batch["image"]) + image
        elif way == 7:
            batch.clear()
        else:
            self.kept.append(batch)
        self.on_device.append(image)
        self.sums.append((image * label.reshape(-1, 1, 1, 1)).sum().item())
        if len(self.on_device) > 3:
            self.on_device.pop(0)

    def result(self) -> tuple[Any, Any, Any]:
        """Everything that user code could see, on the CPU."""
        kept = [{name: value.clone() for name, value in batch.items()} for batch in self.kept]
        return kept, [tensor.cpu() for tensor in self.on_device], self.sums


def plain(dataset: Dataset, batch_size: int, device: torch.device) -> tuple[Any, Any, Any]:
    """What a loop with nothing clever in it gives."""

    def to_device(data: Any) -> Any:
        if isinstance(data, dict):
            return {name: to_device(value) for name, value in data.items()}
        return data.clone().to(device) if device.type == "cpu" else data.to(device)

    rough = Rough(to_device)
    for number, batch in enumerate(DataLoader(dataset, batch_size=batch_size)):
        rough.step(batch, number)
    return rough.result()


def processor(found: list[Any]) -> type[TorchBatchProcessor]:
    """The same under our loop; its result is appended to `found`."""

    class Processor(TorchBatchProcessor):
        def __init__(self, context):
            self.rough = Rough(context.to_device)

        def process_batch(self, batch, batch_idx):
            self.rough.step(batch, batch_idx)

        def on_finish(self):
            found.append(self.rough.result())

    return Processor


def same(found: Any, right: Any) -> None:
    """Assert that two results are equal to the bit."""
    torch.testing.assert_close(found, right, rtol=0, atol=0)
