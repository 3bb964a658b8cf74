"""Sharing this machine's GPUs out among local workers."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def visible_gpus(environ: Mapping[str, str], devices: Path) -> list[str]:
    """The GPUs that we may use: CUDA_VISIBLE_DEVICES, else one per `/dev/nvidia<number>`."""
    named = environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [one for one in named.split(",") if one]
    numbers = (path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))
    return sorted((number for number in numbers if number.isdecimal()), key=int)


def share(gpus: Sequence[str], slot: int, each: int) -> str:
    """The GPUs of the worker in `slot`, `each` of them if there are so many; empty without GPUs."""
    return ",".join(gpus[slot * each : (slot + 1) * each])
