"""Datasets and models of the benchmarks: the same objects for us, for peers and for bounds."""

import io
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

_DISTINCT = 1024


class Images(Dataset[torch.Tensor]):
    """uint8 images of 3x224x224 (or `size`), from a pool of distinct ones."""

    def __init__(self, rows: int, size: int = 224) -> None:
        generator = torch.Generator().manual_seed(1)
        shape = (min(rows, _DISTINCT), 3, size, size)
        self.pool = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> torch.Tensor:
        return self.pool[row % len(self.pool)]

    def fingerprint(self) -> str:
        return f"images-{self.rows}"


class Jpegs(Images):
    """JPEG files of 500x375 in memory, decoded and resized in the loader's workers."""

    def __init__(self, rows: int) -> None:
        from PIL import Image

        self.rows, self.pool = rows, []  # type: ignore[assignment]
        random = np.random.default_rng(1)
        for _ in range(64):
            small = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            image = Image.fromarray(small).resize((500, 375), Image.Resampling.BICUBIC)
            file = io.BytesIO()
            image.save(file, "JPEG", quality=90)
            self.pool.append(file.getvalue())  # type: ignore[attr-defined]

    def __getitem__(self, row: int) -> torch.Tensor:
        from PIL import Image

        image = Image.open(io.BytesIO(self.pool[row % len(self.pool)])).convert("RGB")  # type: ignore[arg-type]
        return torch.from_numpy(np.array(image.resize((224, 224)))).permute(2, 0, 1).contiguous()


class Texts(Dataset[list[int]]):
    """Token lists of 8 to 512, lengths log-normal as in mixed web text (median 100)."""

    def __init__(self, rows: int) -> None:
        random = np.random.default_rng(1)
        lengths = np.exp(random.normal(math.log(100), 0.9, rows))
        self.lengths = np.clip(lengths, 8, 512).astype(int)
        self.tokens = random.integers(1000, 30000, 1024)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> "np.ndarray[Any, Any]":
        start = row % 512
        return self.tokens[start : start + self.lengths[row]]  # type: ignore[no-any-return]

    def fingerprint(self) -> str:
        return f"texts-{len(self)}"


def pad(rows: "list[np.ndarray[Any, Any]]", longest: int | None = None) -> dict[str, torch.Tensor]:
    """Token lists as a padded batch and its mask."""
    longest = longest or max(len(row) for row in rows)
    tokens = np.zeros((len(rows), longest), dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for number, row in enumerate(rows):
        tokens[number, : len(row)], mask[number, : len(row)] = row, 1
    return {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}


def pad_by_length(rows: "list[np.ndarray[Any, Any]]") -> dict[str, Any]:
    """Token lists as groups of similar length, each padded, within 65,536 tokens."""
    from batchprocess.data import by_length

    groups = by_length([len(row) for row in rows], budget=65_536, multiple=64)
    padded = [
        pad([rows[row] for row in group], length)
        for group, length in zip(groups, groups.lengths, strict=True)
    ]
    return {"groups": groups, "padded": padded}


class Vectors(Dataset[torch.Tensor]):
    """Small float rows, made ahead."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.row = torch.arange(16.0)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> torch.Tensor:
        return self.row

    def fingerprint(self) -> str:
        return f"vectors-{self.rows}"


class ImageModel(torch.nn.Module):
    """Normalise, then ResNet-50 without its head: 2,048 bfloat16 values an image."""

    def __init__(self, half: bool) -> None:
        from torchvision.models import resnet50

        super().__init__()
        self.net = resnet50(weights=None)
        self.net.fc = torch.nn.Identity()
        self.register_buffer("mean", torch.tensor([123.7, 116.3, 103.5]).reshape(1, 3, 1, 1))
        self.register_buffer("scale", 1 / torch.tensor([58.4, 57.1, 57.4]).reshape(1, 3, 1, 1))
        self.to(memory_format=torch.channels_last)
        if half:
            self.to(torch.bfloat16)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = (images.to(self.mean.dtype) - self.mean) * self.scale
        return self.net(x.contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]


class SmallImageModel(torch.nn.Module):
    """A few convolutions, for machines without a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 16, 3, stride=2),
            torch.nn.ReLU(),
            torch.nn.Conv2d(16, 64, 3, stride=2),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images.float() / 255)  # type: ignore[no-any-return]


class TextModel(torch.nn.Module):
    """MiniLM-size encoder (6 layers, 384 wide; `small`: 1 layer, 64 wide), mean over tokens."""

    def __init__(self, *, small: bool) -> None:
        from transformers import BertConfig, BertModel

        super().__init__()
        wide, layers, heads = (64, 1, 2) if small else (384, 6, 12)
        config = BertConfig(
            hidden_size=wide,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=4 * wide,
        )
        self.net = BertModel(config, add_pooling_layer=False)
        if not small:
            self.net.to(torch.bfloat16)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = self.net(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1)  # type: ignore[no-any-return]


class Millisecond(torch.nn.Module):
    """A matrix product that takes about a millisecond on an H100, by one kernel."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(wide, dtype=torch.bfloat16))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        big = self.matrix[: 5 * len(self.matrix) // 8] @ self.matrix
        return rows.sum(1) + big[0, 0]  # type: ignore[no-any-return]


def stored(name: str, make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """A model with weights read from a file, as users have it; the first call writes the file."""
    path = Path(tempfile.gettempdir(), f"batchprocess-benchmark-{name}.pt")
    if not path.exists():
        torch.manual_seed(0)
        mine = path.with_suffix(f".{os.getpid()}")
        torch.save(make().state_dict(), mine)
        mine.rename(path)
    with torch.device("meta"):
        model = make()
    model.load_state_dict(torch.load(path, mmap=True), assign=True)
    return model


@dataclass(frozen=True)
class Job:
    """`rows` in batches of `batch_size`; results are kept every `interval` batches."""

    dataset: Callable[[int], Dataset[Any]]
    model: Callable[[], torch.nn.Module]
    batch_size: int
    interval: int = 10
    collate: Callable[[Any], Any] | None = None


def jobs(device: str) -> dict[str, Job]:
    """All jobs, sized for the device."""
    gpu = device == "cuda"

    def image_model() -> torch.nn.Module:
        return stored("images", lambda: ImageModel(half=True) if gpu else SmallImageModel())

    def images(rows: int) -> Images:
        return Images(rows, 224 if gpu else 64)

    def text_model() -> torch.nn.Module:
        torch.manual_seed(0)
        return TextModel(small=not gpu)

    return {
        "images": Job(images, image_model, 256 if gpu else 32),
        "jpeg": Job(Jpegs, image_model, 256 if gpu else 32),
        "text": Job(Texts, text_model, 128 if gpu else 16, collate=pad),
        "text by length": Job(
            Texts, text_model, 2048 if gpu else 64, interval=1, collate=pad_by_length
        ),
        "ms": Job(Vectors, lambda: Millisecond(8192 if gpu else 64), 16, 1000),
        "tiny": Job(Vectors, lambda: Millisecond(64), 16, 1000),
    }


def units(job: str, dataset: Dataset[Any]) -> int:
    """What a rate counts: rows, or real tokens."""
    return int(dataset.lengths.sum()) if job.startswith("text") else len(dataset)  # type: ignore[attr-defined,arg-type]
