"""A bound on the batches whose work is queued on a GPU, and their time."""

from collections import deque

import torch

from batchprocess.sdk.device.cuda_events import is_done, make_timer

_MAX_IN_FLIGHT = 8


class BatchesInFlight:
    """Batches whose work is queued on the GPU: few enough for memory, and their time.

    Without a bound, a loop that never asks for a result would queue batches as fast as it can,
    each with its own memory.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._open: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()
        self._spare: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._begun: tuple[torch.cuda.Event, torch.cuda.Event] | None = None
        self.seconds = 0.0

    def begin(self) -> None:
        """The next batch's work comes now."""
        self._begun = self._spare.pop() if self._spare else (make_timer(), make_timer())
        self._begun[0].record(torch.cuda.current_stream(self._device))

    def end(self) -> None:
        """All work of the batch is queued; waits if too many are under way."""
        if self._begun is None:
            return
        self._begun[1].record(torch.cuda.current_stream(self._device))
        self._open.append(self._begun)
        self._begun = None
        while self._open and (len(self._open) >= _MAX_IN_FLIGHT or is_done(self._open[0][1])):
            self._await_oldest()

    def drain(self) -> None:
        """Wait for all of them."""
        while self._open:
            self._await_oldest()

    def _await_oldest(self) -> None:
        pair = self._open.popleft()
        pair[1].synchronize()
        self.seconds += pair[0].elapsed_time(pair[1]) / 1e3
        self._spare.append(pair)
