"""What is given in the call and what is given in the job, as one set of settings."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.input.loader import check_options

DEFAULT_INTERVAL = 5
_ROWS_IN_FLIGHT, _MIN_IN_FLIGHT = 2_048, 2
_CALLER = 6
"""Of whoever calls `torch_batch_process`, seen from where this module warns."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """How to cut and read the dataset, and when to commit; `loader` are DataLoader options.

    `on_bad_row`: whether a row that cannot be read or processed ends the attempt, or is left out.
    `max_in_flight`: batches under way at a time, with an `async def process_batch`.
    """

    batch_size: int
    max_batches: int | None
    checkpoint_interval: int
    checkpoint_seconds: float | None
    on_bad_row: Literal["fail", "skip"]
    loader: Mapping[str, Any]
    max_in_flight: int | None = None

    @property
    def batches_in_flight(self) -> int:
        """As asked for, else 2,048 rows' worth: enough for an engine to be busy while one batch in
        front takes its time."""
        by_rows = -(-_ROWS_IN_FLIGHT // self.batch_size)
        return self.max_in_flight or max(_MIN_IN_FLIGHT, by_rows)

    def require_for(self, name: str, *, concurrent: bool) -> None:
        """Raise InvalidArgument for `max_in_flight` of a processor that has one batch at a time."""
        if self.max_in_flight is not None and not concurrent:
            raise InvalidArgument(
                f"max_in_flight is {self.max_in_flight}, and process_batch of {name} takes one "
                "batch at a time: leave it out, or write async def process_batch"
            )


def merge(
    job: WorkerEnvironment,
    *,
    batch_size: int | None,
    max_batches: int | None,
    checkpoint_interval: int | None,
    dataloader_kwargs: Mapping[str, Any] | None,
    max_in_flight: int | None = None,
) -> Settings:
    """Given once, a value holds; given twice, both must be equal. Raises InvalidArgument."""
    if not isinstance(dataloader_kwargs, Mapping | None):
        kind = type(dataloader_kwargs).__qualname__
        raise InvalidArgument(
            f"dataloader_kwargs must be a dict of DataLoader options, not a {kind}"
        )
    loader = {**job.dataloader, **(dataloader_kwargs or {})}
    for name in job.dataloader.keys() & (dataloader_kwargs or {}).keys():
        _given_once(f"dataloader option {name}", dataloader_kwargs[name], job.dataloader[name])  # type: ignore[index]
    check_options(loader)
    return Settings(
        batch_size=_batch_size(batch_size, loader.get("batch_size"), job.batch_size),
        max_batches=_max_batches(_given_once("max_batches", max_batches, job.max_batches)),
        checkpoint_interval=_interval(
            _given_once("checkpoint_interval", checkpoint_interval, job.checkpoint_interval)
        ),
        checkpoint_seconds=job.checkpoint_seconds,
        on_bad_row=job.on_bad_row,
        loader=loader,
        max_in_flight=_in_flight(_given_once("max_in_flight", max_in_flight, job.max_in_flight)),
    )


def _given_once(name: str, in_call: Value | None, in_job: Value | None) -> Value | None:
    if in_call is not None and in_job is not None and in_call != in_job:
        raise InvalidArgument(
            f"{name} is {in_call!r} in the call of torch_batch_process and {in_job!r} in the job: "
            "give it once, or make both equal"
        )
    return in_job if in_call is None else in_call


def _batch_size(given: int | None, in_loader: int | None, in_job: int | None) -> int:
    if given is not None and in_loader is not None:
        raise InvalidArgument(
            f"batch_size is given twice: {given!r}, and {in_loader!r} in dataloader_kwargs"
        )
    size = _given_once("batch_size", in_loader if given is None else given, in_job)
    if size is None:
        warnings.warn("batch_size was given nowhere: using 1, which is slow", stacklevel=_CALLER)
        return 1
    _require_integer("batch_size", size)
    if size < 1:
        raise InvalidArgument(f"batch_size must be at least 1, not {size!r}")
    return size


def _require_integer(name: str, given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int | None):
        raise InvalidArgument(f"{name} must be an integer, not {given!r:.100}")


def _max_batches(given: int | None) -> int | None:
    _require_integer("max_batches", given)
    if given is not None and given <= 0:
        warnings.warn(f"max_batches={given} is ignored: it must be at least 1", stacklevel=_CALLER)
        return None
    return given


def _interval(given: int | None) -> int:
    _require_integer("checkpoint_interval", given)
    if given is not None and given <= 0:
        raise InvalidArgument(f"checkpoint_interval must be at least 1, not {given!r}")
    return DEFAULT_INTERVAL if given is None else given


def _in_flight(given: int | None) -> int | None:
    _require_integer("max_in_flight", given)
    if given is not None and given < 1:
        raise InvalidArgument(f"max_in_flight must be at least 1, not {given!r}")
    return given
