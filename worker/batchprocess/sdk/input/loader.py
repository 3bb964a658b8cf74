"""The data loader of one shard: which options it takes, and which rows it is to read."""

import logging
import multiprocessing
import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from batchprocess.protocol.errors import InvalidArgument, WrongType
from batchprocess.sdk.device.devices import has_gpu
from batchprocess.sdk.exit_guard import end_soon_after_worker
from batchprocess.sdk.input.columns import collate_of
from batchprocess.sdk.input.ids.identified_rows import IdentifiedRows, reads_ids
from batchprocess.sdk.input.named_rows import Collate, NamedRows, show_users_dataset
from batchprocess.sdk.input.queues.shared_slots import Slots, slots_for
from batchprocess.sdk.input.queues.worker_queues import ForkingContext
from batchprocess.sdk.input.shard_batches import ShardBatches
from batchprocess.sdk.input.skipping.kept_worker import KeepingContext
from batchprocess.sdk.input.skipping.skipping_rows import SkippingRows, as_read
from batchprocess.stop_signals import outlive

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


def check_options(options: Mapping[str, Any]) -> None:
    """Raise InvalidArgument for an option that is none, or would change which rows a batch has."""
    for name in options:
        if name not in _ALLOWED and name not in _REFUSED:
            raise InvalidArgument(
                f"dataloader_kwargs has no {name!r}: what may be given is {', '.join(_ALLOWED)}"
            )
    if options.get("timeout") and not options.get("num_workers"):
        raise InvalidArgument(
            f"dataloader_kwargs has timeout={options['timeout']!r} without num_workers: leave it "
            "out; only loader processes are waited for"
        )
    for name, (harmless, why) in _REFUSED.items():
        if not any(options.get(name) is value for value in harmless):
            raise InvalidArgument(
                f"dataloader_kwargs has {name}={options[name]!r}: leave it out; {why}"
            )


def make_loader(
    dataset: Any, batches: ShardBatches, options: Mapping[str, Any], *, skip: bool = False
) -> DataLoader[Any]:
    """A DataLoader over `batches`. `options` were checked and are not changed.

    skip: rows that cannot be read are left out of their batch, which is a PartialBatch then.
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
    users = settings.get("collate_fn")
    collate = collate_of(dataset) if users is None else users
    settings["collate_fn"] = as_read if skip else Collate(collate)
    if settings.get("num_workers"):
        context = context_of(settings)
        if context is None and sys.platform == "darwin":
            _LOG.warning(
                "loader workers are forked, which some libraries of macOS do not survive: leave "
                "num_workers out if they crash or hang"
            )
        kind = KeepingContext if skip else ForkingContext
        forking = kind(lambda: _slots(settings) if ahead else [])
        settings["multiprocessing_context"] = context or forking
        ours = settings["multiprocessing_context"] is forking
        settings["worker_init_fn"] = _StartOfWorker(settings.get("worker_init_fn"), outlives=ours)
        settings["persistent_workers"] = True
    try:
        rows = SkippingRows(dataset, collate) if skip else NamedRows(dataset)
        if reads_ids(dataset):
            rows = IdentifiedRows(rows, settings["collate_fn"])
            settings["collate_fn"] = as_read
        return DataLoader(rows, batch_sampler=batches, **settings)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"dataloader_kwargs: {error}") from error


def context_of(options: Mapping[str, Any]) -> Any:
    """The way to start workers that was asked for: a name or a context of multiprocessing, or None.

    Then they are forked, since a script needs no main guard. A dataset may drop its open files when
    it is pickled, so that `set_start_method` counts as in a plain loop. What is the platform's own
    way nobody need have asked for.
    """
    if (given := options.get("multiprocessing_context")) is not None:
        return given
    chosen = multiprocessing.get_start_method(allow_none=True)
    nobodys = (None, "fork", multiprocessing.get_all_start_methods()[0])
    return None if chosen in nobodys else chosen


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
    """Workers outlive a stop that reaches the whole group, to finish the batch."""

    def __init__(self, users: Any, *, outlives: bool) -> None:
        self._users, self._outlives = users, outlives

    def __call__(self, worker: int) -> None:
        outlive(sigterm=self._outlives)
        end_soon_after_worker()
        show_users_dataset()
        if self._users is not None:
            self._users(worker)
