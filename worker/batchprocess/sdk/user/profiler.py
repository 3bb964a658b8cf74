"""`self.profiler` of a processor; `attempt/trace.py` makes the trace of `profile: true`."""

from types import TracebackType
from typing import Self


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
