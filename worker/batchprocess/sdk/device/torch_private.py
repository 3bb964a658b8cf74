"""What we use of torch beyond its documentation; a test names the versions."""

import mmap
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import torch
from torch.utils.data import _utils

version_of: Callable[[torch.Tensor], int] = attrgetter("_version")
"""Moves with every change in place, also one of a view; what numpy writes does not move it."""


def storage_key(tensor: torch.Tensor) -> int:
    """Equal for tensors that share memory, and only for them.

    Not its address, which changes when a tensor is moved to shared memory.
    """
    key: int = tensor.untyped_storage()._cdata
    return key


def private_copy(tensor: torch.Tensor) -> torch.Tensor | None:
    """The same bytes in memory of which a page is copied once it is written to, by the kernel.

    Of a contiguous tensor that another process has sent by a file's descriptor; None of any other.
    """
    strategy: Callable[[], str] = torch.multiprocessing.get_sharing_strategy
    storage = tensor.untyped_storage()
    if not (storage.is_shared() and tensor.is_contiguous() and strategy() == "file_descriptor"):
        return None
    # Of shared memory these are its own file and size, and nothing is changed.
    file, size = storage._share_fd_cpu_()
    pages = mmap.mmap(file, size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    at = int(tensor.storage_offset()) * tensor.element_size()
    flat = torch.frombuffer(pages, dtype=tensor.dtype, count=tensor.numel(), offset=at)
    return flat.reshape(tensor.shape)


def release_unsent(storage: torch.UntypedStorage) -> None:
    """Let go of memory that was made ready for another process, which will not ask for it.

    Needed where torch shares memory by names of files, which it holds until somebody takes them.
    """
    strategy: Callable[[], str] = torch.multiprocessing.get_sharing_strategy
    if strategy() == "file_system":
        storage._shared_decref()


def move_own_tensors(module: torch.nn.Module, device: torch.device) -> None:
    """`module.to(device)` without the modules inside it."""
    apply: Callable[..., object] = module._apply
    apply(lambda tensor: tensor.to(device), recurse=False)


def compiler_errors() -> Any:
    """The class of what torch's compiler raises; imports the compiler."""
    return torch._dynamo.exc.TorchDynamoException


def become_loader_worker(dataset: Any, seed: int, workers: int) -> None:
    """Be to the dataset's code what a data loader's first worker is: `get_worker_info` and all."""
    torch.set_num_threads(1)
    _utils.worker._worker_info = _utils.worker.WorkerInfo(
        id=0, num_workers=workers, seed=seed, dataset=dataset
    )


def current_stream_key() -> tuple[int, ...] | None:
    """Of this thread and the GPU that it uses; None if this process uses none. `current_stream`
    makes an object each time."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return None
    key: tuple[int, ...] = torch._C._cuda_getCurrentStream(torch._C._cuda_getDevice())
    return key
