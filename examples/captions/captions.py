"""Measures images and their captions, which stand side by side in tar files."""

import io

import numpy as np
import PIL.Image
import torch

from batchprocess import TorchBatchProcessor
from batchprocess.data import tar

SIDE = 64


def pixels(content):
    """Pixels of 64x64x3 bytes; what Pillow raises says which sample it was."""
    with PIL.Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE)))


def dataset(hparams):
    return tar(
        hparams["captions"],
        columns=["__key__", "jpg", "txt"],
        id="__key__",
        decode={"jpg": pixels, "txt": bytes.decode},
    )


class Captions(TorchBatchProcessor):
    """Stands for a model of both: how bright an image is, and its caption's number of words."""

    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        images = self.context.to_device(batch["jpg"]).float() / 255
        rows = {
            "caption": batch["txt"],
            "brightness": images.mean((1, 2, 3)),
            "words": torch.tensor([len(caption.split()) for caption in batch["txt"]]),
        }
        self.context.save("captions.parquet", rows, ids=batch["__key__"])
