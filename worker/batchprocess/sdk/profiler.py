"""`self.profiler` of a processor: nothing by default, a trace when the job says `profile: true`."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

_ACTIVE_STEPS = 20
"""A trace of more batches than this is too large for a person to open."""


class NoProfiler:
    """Does nothing, so that a processor may always say `with self.profiler as p: ... p.step()`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def step(self) -> None:
        """A batch is done."""

    def close(self, folder: Path) -> None:
        """The shard is done; `folder` is the tensorboard path."""


class TraceProfiler(NoProfiler):
    """Records the first batches with torch.profiler and writes one Chrome trace.

    Entered once a batch by user code, but torch's profiler must run through: it starts at the
    first entry and ends after some steps, or with the shard.
    """

    def __init__(self) -> None:
        self._profile: Any = None
        self._steps = 0
        self._stopped = False

    def __enter__(self) -> Self:
        if self._profile is None:
            self._profile = torch.profiler.profile(record_shapes=False)
            self._profile.start()
        return self

    def step(self) -> None:
        """A batch is done; stops recording after enough of them."""
        if self._profile is None or self._stopped:
            return
        self._profile.step()
        self._steps += 1
        if self._steps >= _ACTIVE_STEPS:
            self._stop()

    def close(self, folder: Path) -> None:
        """Write the trace, readable by chrome://tracing and Perfetto."""
        if self._profile is None:
            return
        self._stop()
        self._profile.export_chrome_trace(str(folder / "profile.pt.trace.json"))
        self._profile = None

    def _stop(self) -> None:
        if not self._stopped:
            self._profile.stop()
            self._stopped = True
