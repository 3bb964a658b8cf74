"""The data loader of one shard: which options it takes, and which rows it is to read."""

import logging
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, Sampler

from batchprocess.protocol.errors import InvalidArgument, WrongType
from batchprocess.protocol.run import Seeds
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.device.devices import has_gpu
from batchprocess.sdk.exit_guard import end_soon_after_worker
from batchprocess.sdk.input.named_rows import Collate, NamedRows, show_users_dataset
from batchprocess.sdk.input.queues.shared_slots import Slots, slots_for
from batchprocess.sdk.input.queues.worker_queues import ForkingContext
from batchprocess.sdk.seeding.generators import set_generators

_LOG = logging.getLogger("batchprocess")
_IN_ORDER = "rows are processed in dataset order, so that a restart finds its place"
_BY_SHARD = "batches are chosen by the shard, so that a restart finds its place"
_REFUSED = {
    "shuffle": ((None, False), _IN_ORDER),
    "sampler": ((None,), _BY_SHARD),
    "batch_sampler": ((None,), _BY_SHARD),
    "drop_last": ((None, False), "it would lose the rows of the last batch"),
    "in_order": ((None, True), _IN_ORDER),
}
"""Options of a DataLoader that would change which rows a batch has: harmless values, and why."""

_ALLOWED = (
    "batch_size",
    "collate_fn",
    "generator",
    "multiprocessing_context",
    "num_workers",
    "persistent_workers",
    "pin_memory",
    "pin_memory_device",
    "prefetch_factor",
    "timeout",
    "worker_init_fn",
)


@dataclass(frozen=True)
class Start:
    """Where reading begins: shard-local batch `first`, with the run's seeds for reading items.

    Without seeds, as in runs that were begun before there were any, generators are left alone.
    """

    plan: ShardPlan
    shard: int
    first: int
    seeds: Seeds | None = None

    @property
    def batches(self) -> int:
        """How many are left of the shard."""
        return self.plan.size(self.shard) - self.first


class ShardBatches(Sampler[list[int]]):
    """Row numbers of a shard's batches from `start` on, one list a batch; none before it is set.

    Each list sets the global generators where its rows are read, just before: in a worker as it is
    received, and without workers as it is handed out.
    """

    def __init__(self, *, for_workers: bool) -> None:
        self._for_workers = for_workers
        self._may_use_gpu = has_gpu()
        self.start: Start | None = None

    def __iter__(self) -> Iterator[list[int]]:
        start = self.start
        if start is None:
            return
        base = start.plan.first_batch(start.shard)
        for batch in range(start.first, start.first + start.batches):
            rows = list(range(*start.plan.row_span(start.shard, batch, batch + 1)))
            if start.seeds is None:
                yield rows
            elif self._for_workers:
                yield _SeededRows(rows, start.seeds, base + batch, self._may_use_gpu)
            else:
                set_generators(start.seeds, base + batch, may_use_gpu=self._may_use_gpu)
                yield rows

    def __len__(self) -> int:
        return 0 if self.start is None else self.start.batches


class _SeededRows(list[int]):
    """Row numbers on their way to a worker, where they arrive as a plain list.

    The worker unpickles them when it begins with the batch, and not before; that is the only place
    that every kind of worker passes between two batches, also those started by `spawn`.
    """

    def __init__(self, rows: list[int], seeds: Seeds, batch: int, may_use_gpu: bool) -> None:
        super().__init__(rows)
        self._seeds, self._batch, self._may_use_gpu = seeds, batch, may_use_gpu

    def __reduce__(self) -> Any:
        seeds = self._seeds.model_dump()
        return _begin_batch, (list(self), seeds, self._batch, self._may_use_gpu)


def _begin_batch(
    rows: list[int], seeds: dict[str, int], batch: int, may_use_gpu: bool
) -> list[int]:
    set_generators(Seeds(**seeds), batch, may_use_gpu=may_use_gpu)
    return rows


def check_options(options: Mapping[str, Any]) -> None:
    """Raise InvalidArgument for an option that is none, or would change which rows a batch has."""
    for name in options:
        if name not in _ALLOWED and name not in _REFUSED:
            raise InvalidArgument(
                f"dataloader_kwargs has no {name!r}: what may be given is {', '.join(_ALLOWED)}"
            )
    for name, (harmless, why) in _REFUSED.items():
        if not any(options.get(name) is value for value in harmless):
            raise InvalidArgument(
                f"dataloader_kwargs has {name}={options[name]!r}: leave it out; {why}"
            )


def make_loader(dataset: Any, batches: ShardBatches, options: Mapping[str, Any]) -> DataLoader[Any]:
    """A DataLoader over `batches`. `options` were checked and are not changed.

    Starts and reads nothing yet. Its workers stay, so that they can be given other batches. Raises
    InvalidArgument for options that a DataLoader refuses.
    """
    settings = {
        name: value for name, value in options.items() if name not in ("batch_size", *_REFUSED)
    }
    ahead = has_gpu() and settings.pop("pin_memory", None) is not False
    # `threaded_feed.py` pins, and sends batches ahead as well.
    # Its own, so that reading ahead draws no number from the generator that `__init__` may use.
    generator = torch.Generator().manual_seed(torch.initial_seed())
    settings.setdefault("generator", generator)
    settings["collate_fn"] = Collate(settings.get("collate_fn"))
    if settings.get("num_workers"):
        # The script of the seed has no main guard, so workers must be forked, not spawned.
        if sys.platform == "darwin" and "multiprocessing_context" not in settings:
            _LOG.warning(
                "loader workers are forked, which some libraries of macOS do not survive: leave "
                "num_workers out if they crash or hang"
            )
        forking = ForkingContext(lambda: _slots(settings) if ahead else [])
        settings.setdefault("multiprocessing_context", forking)
        settings["worker_init_fn"] = _StartOfWorker(settings.get("worker_init_fn"))
        settings["persistent_workers"] = True
    try:
        return DataLoader(NamedRows(dataset), batch_sampler=batches, **settings)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"dataloader_kwargs: {error}") from error


def _slots(settings: Mapping[str, Any]) -> list[Slots]:
    """Worth it only where batches are copied at once, as they are on their way to a GPU."""
    prefetch = settings.get("prefetch_factor")
    return slots_for(settings["num_workers"], 2 if prefetch is None else prefetch)


def rows_of(dataset: Any) -> int:
    """Length of a map-style dataset; WrongType if it is none, InvalidArgument if it is empty."""
    name = type(dataset).__qualname__
    needed = "torch_batch_process needs a map-style dataset with __len__ and __getitem__"
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        raise WrongType(f"{name} cannot be read row by row: {needed}")
    try:
        rows = len(dataset)
    except TypeError as error:
        raise WrongType(f"{name} has no length ({error}): {needed}") from error
    if rows == 0:
        raise InvalidArgument(
            f"{type(dataset).__qualname__} has 0 rows: is its source mounted and its path right?"
        )
    return rows


class _StartOfWorker:
    """Ctrl-C and a hang-up reach the terminal's whole group; workers outlive both to finish the
    batch."""

    def __init__(self, users: Any) -> None:
        self._users = users

    def __call__(self, worker: int) -> None:
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end_soon_after_worker()
        show_users_dataset()
        if self._users is not None:
            self._users(worker)
