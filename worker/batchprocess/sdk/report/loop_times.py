"""Adding up where the loop's time goes: written by the loop, read by the beat thread."""

import logging
from dataclasses import dataclass

from batchprocess.protocol.spent import Spent, advice

_LOG = logging.getLogger("batchprocess")


@dataclass
class Times:
    """Seconds. A torn read is harmless.

    work: in `process_batch` and the hooks, waiting for the device included. saving: of that, in
    `context.save` waiting for the encoder. device: in which the GPU's stream held a batch's work.
    waiting: with batches under way at a time, for the oldest of them.
    """

    data: float = 0.0
    work: float = 0.0
    saving: float = 0.0
    storage: float = 0.0
    device: float = 0.0
    waiting: float = 0.0

    def spent(self) -> Spent:
        """Disjoint parts: user code waits for the device by itself, in any `.cpu()`, so what it
        took while the device was at work is the device's."""
        work = max(0.0, self.work - self.saving)
        device = min(self.device, work)
        return Spent(
            data=round(self.data, 3),
            device=round(device, 3),
            user=round(work - device, 3),
            storage=round(self.storage + self.saving, 3),
            waiting=round(self.waiting, 3),
        )


class Advisor:
    """Logs once what to change if the run waits for data."""

    def __init__(self, times: Times, loaders: int, cores: int) -> None:
        self._times, self._loaders, self._cores = times, loaders, cores
        self._advised = False

    def advise_once(self) -> None:
        """Called now and then; the answer changes slowly."""
        if self._advised:
            return
        text = advice(self._times.spent(), loaders=self._loaders, cores=self._cores)
        if text is not None:
            _LOG.warning("%s", text)
            self._advised = True
