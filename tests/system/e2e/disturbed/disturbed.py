"""The digits job at a pace that leaves time to disturb it, and with a row that may be poison."""

import time

from inference import InferenceProcessor as Digits
from inference import dataset as digits


class Disturbed(Digits):
    """Disturbed as its hparams say.

    `seconds` a batch takes longer, from batch `slow_from` on; `poison`, the rows whose batches
    raise; `hungry`: take memory until there is none.
    """

    def process_batch(self, batch, batch_idx):
        hparams = self.context.get_hparams()
        if batch_idx >= hparams.get("slow_from", 0):
            time.sleep(hparams.get("seconds", 0))
        while hparams.get("hungry"):
            self.lines.append("x" * 50_000_000)
        for row in batch[0].tolist():
            if row in hparams.get("poison", ()):
                raise ValueError(f"row {row} is poison")
        super().process_batch(batch, batch_idx)


def dataset():
    """The digits."""
    return digits()
