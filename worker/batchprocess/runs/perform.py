"""The edge: runs flows against a storage, one or many side by side."""

from collections.abc import Generator, Iterable
from functools import partial
from typing import TypeVar

from batchprocess.ledger.effects import Flow
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import ATTENDED, Patience
from batchprocess.runs.performer import Performer
from batchprocess.storage.base import Storage

T = TypeVar("T")
FLOWS, REQUESTS = 48, 64
"""Side by side, where many shards are worked on. Flows that wait for several answers at a time
make requests of their own."""


def perform(flow: Flow[T], storage: Storage, patience: Patience = ATTENDED) -> T:
    """Run `flow` to its end and return its result; its errors come through as they are.

    Raises StorageUnavailable when one effect has failed past the deadline.
    """
    return _perform(flow, Performer(storage, patience))


def perform_each(
    flows: Iterable[Flow[T]], storage: Storage, patience: Patience = ATTENDED
) -> Generator[T]:
    """Run independent flows side by side; each result in its turn, some flows ahead of it.

    However much a flow asks for at a time, there are FLOWS and REQUESTS threads at most. They end
    with the iterator.
    """
    with Threads(REQUESTS) as requests, Threads(FLOWS) as running:
        patient = patience.until(running.stopped)
        yield from running.in_order(
            partial(_perform, flow, Performer(storage, patient, requests)) for flow in flows
        )


def perform_all(
    flows: Iterable[Flow[T]], storage: Storage, patience: Patience = ATTENDED
) -> list[T]:
    """Run independent flows side by side; results in order."""
    return list(perform_each(flows, storage, patience))


def _perform(flow: Flow[T], worker: Performer) -> T:
    with worker.documents:
        try:
            effect = next(flow)
            while True:
                effect = flow.send(worker.run(effect))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
