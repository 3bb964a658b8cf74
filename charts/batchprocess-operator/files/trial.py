"""What the job of `helm test` does: squares of 32 numbers, on a CPU."""

import torch
from torch.utils.data import TensorDataset

from batchprocess import TorchBatchProcessor, torch_batch_process


class Squares(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        (numbers,) = batch
        self.context.save("squares.jsonl", {"number": numbers, "square": numbers**2})


if __name__ == "__main__":
    torch_batch_process(Squares, TensorDataset(torch.arange(32)), batch_size=4)
