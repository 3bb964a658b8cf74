"""Which batches are under way, and up to where all are finished. Pure."""

from collections.abc import Iterator

from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs


class Window:
    """Batches from `cursor` to `total`, of which `limit` lie at most between the first unfinished
    one and the last that was begun. `first`: all before it are finished and were taken.
    """

    def __init__(self, cursor: int, total: int, limit: int) -> None:
        self.first = self.next = cursor
        self.total, self.limit = total, limit
        self._finished: dict[int, BatchOutputs] = {}

    @property
    def has_room(self) -> bool:
        """Whether one more may be begun."""
        return self.next < self.total and self.next - self.first < self.limit

    @property
    def under_way(self) -> int:
        """How many are begun and not finished."""
        return self.next - self.first - len(self._finished)

    def begin(self) -> int:
        """The number of one more."""
        self.next += 1
        return self.next - 1

    def finish(self, outputs: BatchOutputs) -> None:
        """One is."""
        self._finished[outputs.index] = outputs

    def take_finished(self) -> Iterator[BatchOutputs]:
        """The longest row of finished ones from `first` on, which moves behind each at the next."""
        while (outputs := self._finished.get(self.first)) is not None:
            yield outputs
            del self._finished[self.first]
            self.first += 1
