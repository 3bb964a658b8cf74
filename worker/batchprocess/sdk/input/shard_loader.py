"""The data loader of an attempt, whose workers are started once, whatever they are to read."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from torch.utils.data import DataLoader

from batchprocess.sdk.input.loader import make_loader
from batchprocess.sdk.input.named_rows import Batches
from batchprocess.sdk.input.shard_batches import ShardBatches, Start


class BatchSource(Protocol):
    """Where a feed gets its batches from."""

    def read(self, start: Start) -> Iterator[Any]:
        """The batches from `start` on, in order; what an earlier call gave is dropped."""

    def close(self) -> None:
        """No more are wanted."""

    @property
    def skips(self) -> bool:
        """Whether bad rows are left out, so that rows of a batch may have to be read again."""


class ShardLoader:
    """Raises InvalidArgument if torch refuses the options; starts and reads nothing yet.

    skip: rows that cannot be read are left out of their batch, which is a PartialBatch then.
    """

    def __init__(self, dataset: Any, options: Mapping[str, Any], *, skip: bool = False) -> None:
        self._batches = ShardBatches(for_workers=bool(options.get("num_workers")))
        self.skips = skip
        made = make_loader(dataset, self._batches, options, skip=skip)
        self._loader: DataLoader[Any] | None = made
        self.workers = self._loader.num_workers

    def start_workers(self) -> None:
        """Start the workers, which read nothing yet.

        They may be forked, so this comes before any thread or connection of ours, and before user
        code has run in this process: what it opens is not to be shared.
        """
        if self.workers:
            iter(self._opened)

    def read(self, start: Start) -> Iterator[Any]:
        """The batches from `start` on. Running workers first drop those of an earlier call."""
        self._batches.start = start
        return Batches(iter(self._opened))

    def close(self) -> None:
        """Let go of the loader: its workers end with the iterator that somebody may still have."""
        self._loader = None

    @property
    def _opened(self) -> DataLoader[Any]:
        if self._loader is None:
            raise RuntimeError("the data loader is closed")
        return self._loader
