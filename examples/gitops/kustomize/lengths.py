"""How long each line is."""

from typing import Any

from batchprocess import TorchBatchProcessor


class Lengths(TorchBatchProcessor):
    """Saves the length of each line."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def process_batch(self, batch: list[str], batch_idx: int) -> None:
        """Save the lengths of `batch`, a list of lines."""
        self.context.save("lengths.parquet", {"length": [len(line) for line in batch]})
