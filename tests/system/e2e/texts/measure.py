"""Measures texts, at a pace that leaves time to delete a pod."""

import time

from batchprocess import TorchBatchProcessor


class Measure(TorchBatchProcessor):
    """Saves how long each text is."""

    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        time.sleep(self.context.get_hparams()["seconds"])
        lengths = [len(text) for text in batch["text"]]
        self.context.save("lengths.jsonl", {"length": lengths}, ids=batch["id"])


class Sum(Measure):
    """Adds them up, too, before it refuses those of a length that `hparams` names."""

    def __init__(self, context):
        super().__init__(context)
        self.sum = context.wrap_reducer(sum, name="characters")

    def process_batch(self, batch, batch_idx):
        super().process_batch(batch, batch_idx)
        for text in batch["text"]:
            self.sum.update(len(text))
            if len(text) in self.context.get_hparams()["refused"]:
                raise ValueError(f"a text of {len(text)} characters")
