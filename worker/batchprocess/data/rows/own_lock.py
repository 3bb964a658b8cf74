"""A lock for what a dataset keeps between two readings."""

import os
import threading
from typing import Any


class OwnLock:
    """Of the threads of one process; a copy in another one, forked or pickled, is free."""

    def __init__(self) -> None:
        self._made = os.getpid(), threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return OwnLock, ()

    def __enter__(self) -> None:
        if self._made[0] != os.getpid():  # another thread may have held it at the fork
            self._made = os.getpid(), threading.RLock()
        self._made[1].acquire()

    def __exit__(self, *_: object) -> None:
        self._made[1].release()
