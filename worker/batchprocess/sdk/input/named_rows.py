"""The dataset as the data loader reads it: a failure is known by its row, and as it was raised.

What a loader process raises reaches us as text, and what is no Exception not at all. So a failed
read is handed on in place of the batch, and raised by the feed.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from torch._utils import ExceptionWrapper
from torch.utils.data import Dataset, default_collate, get_worker_info

from batchprocess.sdk.report.failure_facts import Facts, note, observe


class FailedRead:
    """In place of a batch that could not be read."""

    def __init__(self, error: BaseException, row: int | None = None) -> None:
        worker = get_worker_info()
        self.facts: Facts = observe(error, row=row, loader_process=worker is not None)
        self.error: BaseException | ExceptionWrapper = error
        if worker is not None:
            raised = (_picklable(type(error)), error, error.__traceback__)
            where = f"in DataLoader worker process {worker.id}"
            self.error = ExceptionWrapper(raised, where)  # type: ignore[no-untyped-call]

    def raise_here(self) -> NoReturn:
        """What was raised; of a loader process the same class with a text, as torch makes it."""
        raise note(self._made(), self.facts)

    def _made(self) -> BaseException:
        if isinstance(self.error, BaseException):
            return self.error
        try:
            self.error.reraise()  # type: ignore[no-untyped-call]
        except BaseException as error:  # noqa: BLE001  what user code raised
            if isinstance(error, self.error.exc_type | RuntimeError):
                return error.with_traceback(None)
            # Of a class that torch cannot make one of, as an ExceptionGroup.
            return RuntimeError(self.error.exc_msg)
        raise TypeError("an ExceptionWrapper has raised nothing")


def _picklable(kind: type[BaseException]) -> type[BaseException]:
    """A class within a function reaches no other process, and its batch would be waited for."""
    try:
        pickle.dumps(kind)
    except (pickle.PicklingError, AttributeError, TypeError):
        return RuntimeError
    return kind


class NamedRows(Dataset[Any]):
    """A map-style dataset, read a batch at a time."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        return self.dataset[row]

    def __getitems__(self, rows: Sequence[int]) -> Any:
        """The items, or a FailedRead."""
        dataset, row = self.dataset, None
        try:
            if getattr(dataset, "__getitems__", None):
                return dataset.__getitems__(rows)
            items = []
            for row in rows:
                items.append(dataset[row])
        except BaseException as error:  # noqa: BLE001  raised by the feed
            return FailedRead(error, _row_that_fails(dataset, rows, error) if row is None else row)
        return items


def _row_that_fails(dataset: Any, rows: Sequence[int], error: BaseException) -> int | None:
    """Which of `rows`, that were read together, raises the same when read alone."""
    if not isinstance(error, Exception):
        return None
    for row in rows:
        try:
            dataset[row]
        except Exception as again:  # noqa: BLE001  whatever user code raises
            return row if type(again) is type(error) else None
    return None


class Collate:
    """`collate_fn` of the call; a failed read passes by."""

    def __init__(self, users: Callable[[Any], Any] | None) -> None:
        self._collate = default_collate if users is None else users

    def __call__(self, items: Any) -> Any:
        if type(items) is FailedRead:
            return items
        try:
            return self._collate(items)
        except BaseException as error:  # noqa: BLE001  raised by the feed
            return FailedRead(error)


class Batches:
    """The loader's batches; raises what reading one has raised."""

    def __init__(self, source: Iterator[Any]) -> None:
        self._source = source

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch = next(self._source)
        if type(batch) is FailedRead:
            batch.raise_here()
        return batch


def show_users_dataset() -> None:
    """In a loader process: let `get_worker_info().dataset` be the dataset of the call."""
    info = get_worker_info()
    if info is not None and isinstance(info.dataset, NamedRows):
        # Frozen for users, who change the dataset in place.
        object.__setattr__(info, "dataset", info.dataset.dataset)
