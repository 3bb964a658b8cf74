"""Which device there is, found without touching it; and moving user data to it."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.device.cuda_driver import driver_version

_LOG = logging.getLogger("batchprocess")


def has_gpu() -> bool:
    """Whether there is a GPU that this torch can use, found out without touching it.

    `torch.cuda.is_available()` initialises the driver, which takes 0.2 s in which nothing else
    runs, and after which no loader worker can be forked that wants to use a GPU.
    """
    return torch.cuda.device_count() > 0 and _driver_is_new_enough()


def _driver_is_new_enough() -> bool:
    if torch.version.cuda is None:
        return torch.cuda.is_available()
    version = driver_version()
    return version is not None and version // 1000 >= int(torch.version.cuda.split(".")[0])


def pick_device(gpu: int) -> torch.device:
    """GPU number `gpu` of those that this process sees, made the current one; or the CPU."""
    if not has_gpu():
        return torch.device("cpu")
    if gpu:
        # Makes a context, which takes a while; number 0 is the current one anyhow.
        torch.cuda.set_device(gpu)
    return torch.device("cuda", gpu)


Send = Callable[[torch.Tensor], torch.Tensor]


def move(data: Any, device: torch.device, warned: set[type], send: Send | None = None) -> Any:
    """Tensors, numpy arrays and anything with `.to()` in (nested) lists, tuples and dicts.

    Other types are returned as they are, with one warning per type, remembered in `warned`.
    `send` copies a tensor to the device, if there is a better way than its `.to()`.
    """
    match data:
        case torch.Tensor():
            return data.to(device, non_blocking=True) if send is None else send(data)
        case np.ndarray():
            return torch.from_numpy(data).to(device)
        case tuple() if hasattr(data, "_fields") and not hasattr(data, "to"):
            # A PackedSequence is a tuple too, but only its own `to` knows what stays on the CPU.
            return type(data)(*(move(item, device, warned, send) for item in data))
        case list() | tuple() if not hasattr(data, "to"):
            return type(data)(move(item, device, warned, send) for item in data)
        case dict():
            return {key: move(item, device, warned, send) for key, item in data.items()}
    if hasattr(data, "to"):
        return data.to(device)
    if type(data) not in warned:
        warned.add(type(data))
        _LOG.warning("to_device left a %s where it was", type(data).__qualname__)
    return data
