"""How fast jobs were, while this process has watched them: for plots, and lost with it."""

import asyncio
import logging
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from batchprocess_operator.observe.stored_job import StoredJob

_LOG = logging.getLogger(__name__)
SAMPLE_SECONDS = 10.0
MAX_SAMPLES = 360
"""Of a job. When there are more, every second one is dropped, and from then on they come half as
often: a plot always has the whole time."""
MAX_JOBS = 1_000


@dataclass
class Series:
    """Of one job: seconds since 1970, rows a second, rows done, seconds left (NaN: unknown)."""

    times: "array[float]" = field(default_factory=lambda: array("d"))
    rates: "array[float]" = field(default_factory=lambda: array("d"))
    rows: "array[float]" = field(default_factory=lambda: array("d"))
    left: "array[float]" = field(default_factory=lambda: array("d"))
    every: float = SAMPLE_SECONDS

    def add(self, time: float, rate: float, rows: float, left: float) -> None:
        """One more, unless the last one was a moment ago."""
        # Timers are never quite on time.
        if self.times and time - self.times[-1] < 0.9 * self.every:
            return
        columns = (self.times, self.rates, self.rows, self.left)
        for column, value in zip(columns, (time, rate, rows, left), strict=True):
            column.append(value)
        if len(self.times) > MAX_SAMPLES:
            for column in columns:
                column[:] = column[::2]
            self.every *= 2


class History:
    """Of the jobs that ran last. `now` in seconds since 1970."""

    def __init__(self, jobs: Callable[[], Iterable[StoredJob]], now: Callable[[], float]) -> None:
        self._jobs, self._now = jobs, now
        self._series: OrderedDict[str, Series] = OrderedDict()

    def __len__(self) -> int:
        return len(self._series)

    def of(self, uid: str) -> Series:
        """Of one job; an empty one if nothing is known."""
        return self._series.get(uid) or Series()

    def sample(self) -> None:
        """Note how each running job is."""
        now = self._now()
        for job in self._jobs():
            figures = job.figures
            if not figures.working:
                continue
            left = float("nan") if figures.eta is None else max(figures.eta - now, 0.0)
            self._series.setdefault(job.uid, Series()).add(now, figures.rate, figures.rows, left)
            self._series.move_to_end(job.uid)
        while len(self._series) > MAX_JOBS:
            self._series.popitem(last=False)

    async def run_forever(self) -> None:
        """Sample, again and again; a fault in it is no reason for the operator to end."""
        while True:
            try:
                self.sample()
            except Exception as error:  # noqa: BLE001
                _LOG.error("nothing is noted: this is a bug of the operator", exc_info=error)
            await asyncio.sleep(SAMPLE_SECONDS)
