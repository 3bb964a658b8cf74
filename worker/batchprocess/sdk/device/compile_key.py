"""What compiled code depends on."""

import hashlib
import inspect
import platform
from collections.abc import Callable
from typing import Any

import torch

from batchprocess.version import __version__


def made_for(device: torch.device, processor: type) -> dict[str, str]:
    """What compiled code depends on: machine, versions, and the file that defines `processor`."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "device": gpu,
        "torch": str(torch.__version__),
        "cuda": str(torch.version.cuda),
        "python": platform.python_version(),
        "batchprocess": __version__,
        "code": _digest_of_source(processor),
    }


def _digest_of_source(processor: type) -> str:
    read: Callable[[Any], str] = inspect.getsource
    try:
        text = read(inspect.getmodule(processor))
    except (OSError, TypeError):
        text = processor.__qualname__
    return hashlib.sha256(text.encode()).hexdigest()
