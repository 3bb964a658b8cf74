"""What a kept loader process has in place of the loader's queues: a pipe to its keeper."""

import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import Empty
from typing import Any

from batchprocess.sdk.input.queues.batch_messages import pack
from batchprocess.sdk.input.queues.shared_slots import Slots


class TaskPipe:
    """In place of the queue of tasks, in the process that reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, timeout: float) -> Any:
        """As a queue's."""
        if not self._connection.poll(timeout):
            raise Empty
        try:
            return ForkingPickler.loads(self._connection.recv_bytes())
        except EOFError:
            os._exit(1)  # without its keeper nobody wants it


class BatchPipe:
    """In place of the queue of batches: a batch is with the keeper when `put` returns."""

    def __init__(self, connection: Connection, slots: Callable[[], Slots | None]) -> None:
        self._connection, self._slots = connection, slots

    def put(self, obj: Any) -> None:
        """As a queue's. Whole, not as memory that this process would have to hand over."""
        packed = pack(obj, self._slots(), inline=True)
        self._connection.send_bytes(ForkingPickler.dumps(packed))

    def cancel_join_thread(self) -> None:
        """There is no thread."""

    def close(self) -> None:
        """It is closed with the process."""
