"""Which device there is, found without touching it; and moving user data to it."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.device.cuda_driver import driver_version
from batchprocess.sdk.device.tensor_trees import with_items

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
    """Tensors, numpy arrays of numbers and anything with `.to()`, in containers of any sort.

    Other types are returned as they are, with one warning per type, remembered in `warned`.
    `send` copies a tensor to the device, if there is a better way than its `.to()`.
    """
    if isinstance(data, torch.Tensor):
        return data.to(device, non_blocking=True) if send is None else send(data)
    if isinstance(data, np.ndarray):
        return _moved_array(data, device, warned)
    # Of the class: dicts whose items are attributes have whatever they are asked for. A
    # PackedSequence is a tuple too, but only its own `to` knows what stays on the CPU.
    if callable(getattr(type(data), "to", None)):
        return data.to(device)
    made = with_items(data, lambda item: move(item, device, warned, send))
    if made is not data:
        return made
    if callable(getattr(data, "to", None)):
        return data.to(device)
    _warn_once(type(data), type(data).__qualname__, warned)
    return data


def _moved_array(array: "np.ndarray[Any, Any]", device: torch.device, warned: set[type]) -> Any:
    """As a tensor; what torch has no type for stays: texts, objects, times, masked values."""
    masked = isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array)
    if (
        masked
        or array.dtype.kind not in "biufc"
        or array.dtype.itemsize > _LARGEST[array.dtype.kind]
    ):
        kind = type(array) if masked else type(array.dtype)
        name = "masked array" if masked else f"numpy array of {array.dtype.name}"
        _warn_once(kind, name, warned)
        return array
    if not array.dtype.isnative or not array.flags.writeable or min(array.strides, default=0) < 0:
        # torch takes neither, and warns of what cannot be written to.
        array = np.array(array, array.dtype.newbyteorder("="))
    return torch.from_numpy(array).to(device)


_LARGEST = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16}


def _warn_once(kind: type, name: str, warned: set[type]) -> None:
    if kind not in warned:
        warned.add(kind)
        _LOG.warning("to_device left a %s where it was", name)
