"""Page-locked memory: how much of it is held, and filling it fast."""

import ctypes
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import torch

from batchprocess.cores import allowed_cores

_MAX_THREADS = 4
_CORES_A_THREAD = 4
_WORTH_SHARING_BYTES = 8 << 20
_PAGE = 4096


class HeldMemory:
    """Bytes of tensors that somebody still holds, be it by a view or a numpy array.

    Not the allocator's own figure: torch 2.11 never takes from it what was freed. `add` and
    `bytes` are for one thread at a time; tensors may be freed in any.
    """

    def __init__(self) -> None:
        self._bytes = 0
        # Appending is atomic; a sum is not, and the collector may run in the middle of one.
        self._freed: deque[int] = deque()

    def add(self, tensor: torch.Tensor) -> None:
        """Count it until its storage is freed."""
        storage = tensor.untyped_storage()
        # Rounded up as torch's allocator does.
        size = 1 << max(0, storage.nbytes() - 1).bit_length()
        self._bytes += size
        weakref.finalize(storage, self._freed.append, size).atexit = False

    @property
    def bytes(self) -> int:
        """Held now."""
        while self._freed:
            self._bytes -= self._freed.popleft()
        return self._bytes


class Copier:
    """Copies memory, large pieces by a few threads.

    Loader workers leave batches in pages that this process has never touched: one thread takes
    8 ms for 38 MB of them, as long as a compiled ResNet-50 takes for the batch. `cores` bound the
    threads, which are busy for a few milliseconds a batch: most cores are the loader workers'.
    """

    def __init__(self, cores: int | None = None) -> None:
        cores = len(allowed_cores()) if cores is None else cores
        self._threads = max(1, min(_MAX_THREADS, cores // _CORES_A_THREAD))

    def copy(self, to: torch.Tensor, source: torch.Tensor) -> None:
        """Both are on the CPU, dense and of equal strides, dtypes and shapes."""
        size = source.nbytes
        if self._threads == 1 or size < _WORTH_SHARING_BYTES:
            ctypes.memmove(to.data_ptr(), source.data_ptr(), size)
            return
        step = -(-size // self._threads // _PAGE) * _PAGE
        first, *rest = range(0, size, step)
        others = [self._pool.submit(_move, to, source, at, min(step, size - at)) for at in rest]
        _move(to, source, first, step)
        for other in others:
            other.result()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads - 1, thread_name_prefix="batchprocess-pin")


def _move(to: torch.Tensor, source: torch.Tensor, at: int, size: int) -> None:
    ctypes.memmove(to.data_ptr() + at, source.data_ptr() + at, size)
