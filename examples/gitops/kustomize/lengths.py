"""Reads lines, and saves how long each of them is."""

from batchprocess import TorchBatchProcessor


class Lengths(TorchBatchProcessor):
    """A table with one row a line."""

    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        lengths = [len(line) for line in batch["text"]]
        self.context.save("lengths.parquet", {"length": lengths})
