"""How long failing storage is borne: waits that grow, a deadline, and what a person reads of it."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TypeVar

from batchprocess.backoff import Backoff
from batchprocess.protocol.errors import (
    OutcomeUnknown,
    Stopped,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
)

T = TypeVar("T")
TRANSIENT = (OutcomeUnknown, StorageDenied, StorageFull)
"""What may pass by itself, or by a person's help while we wait."""
BACKOFF = Backoff(0.1, 10.0)
FIRST_WARNING_SECONDS, NEXT_WARNING_SECONDS = 5.0, 60.0
"""When a person reads that storage fails: hiccups are not worth a line."""
_SLICE_SECONDS = 0.2
"""How long a stop may go unseen while one waits."""
_LOG = logging.getLogger("batchprocess")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long transient failures are borne, and whether a refusal ends the flow at once.

    Before run.json exists nothing is lost by giving up on a refusal (`refusal_is_final`);
    afterwards credentials or quotas may come back, so a refusal is waited out like an outage.
    """

    deadline_seconds: float = 600
    refusal_is_final: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)
    stopped: Event | None = None

    def pause(self, failures: int) -> None:
        """Wait after so many failures in a row. Raises Stopped once `stopped` is set."""
        seconds = BACKOFF.jittered(failures, self.jitter)
        if self.stopped is None:
            self.sleep(seconds)
            return
        # In slices: whoever has started this waits for it, at Ctrl-C too.
        while seconds > 0:
            self.refuse_stopped()
            self.sleep(min(seconds, _SLICE_SECONDS))
            seconds -= _SLICE_SECONDS

    def refuse_stopped(self) -> None:
        """Raise Stopped if nobody waits for the result any more."""
        if self.stopped is not None and self.stopped.is_set():
            raise Stopped("this was stopped because something beside it has failed or was stopped")

    def until(self, stopped: Event) -> "Patience":
        """The same, and it ends once `stopped` is set."""
        return replace(self, stopped=stopped)


class RetryBudget:
    """One thing that keeps failing: how long it has, and the wait before it is tried again."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: float | None = None
        self._warn_after = FIRST_WARNING_SECONDS
        self._failures = 0

    def wait_or_raise(self, error: StorageError) -> None:
        """Wait and return, or raise StorageUnavailable once this has lasted too long."""
        self.spend_or_raise(error)
        self._failures += 1
        self._patience.pause(self._failures)

    def spend_or_raise(self, error: StorageError) -> None:
        """The same without the wait, for who waits by himself."""
        if isinstance(error, StorageDenied) and self._patience.refusal_is_final:
            raise error
        now = self._patience.clock()
        self._since = now if self._since is None else self._since
        lasted = now - self._since
        if lasted >= self._patience.deadline_seconds:
            raise StorageUnavailable(
                f"storage has failed for {lasted:.0f} s, last: {error}"
            ) from error
        if lasted >= self._warn_after:
            _LOG.warning("storage has failed for %.0f s and is tried again: %s", lasted, error)
            self._warn_after = lasted + NEXT_WARNING_SECONDS

    def reset(self) -> None:
        """It worked: the next failure begins anew."""
        self._since, self._warn_after, self._failures = None, FIRST_WARNING_SECONDS, 0


ATTENDED = Patience(30, refusal_is_final=True)
"""For a command that a person is waiting for."""


def retry_until_known(call: Callable[[], T], patience: Patience = ATTENDED) -> T:
    """Repeat an idempotent `call` until its outcome is known.

    Raises StorageUnavailable when it has failed past the deadline; other errors as they are.
    """
    budget = RetryBudget(patience)
    while True:
        try:
            return call()
        except TRANSIENT as error:
            budget.wait_or_raise(error)
