"""A GPU played on the CPU, for the loop's way of using one."""

import torch

from batchprocess.sdk.attempt.interfaces import NoDevice
from batchprocess.sdk.input.prefetch import Prefetch
from support.fake_port import FakePort


class FakeDeviceToHost:
    """Copies back from the device at once."""

    def fetch(self, tensor: torch.Tensor) -> None:
        raise AssertionError("a tensor on the CPU has no way back")


class FakeGpu:
    """As `batchprocess.sdk.attempt.gpu.Gpu`."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.port = FakePort()
        self.prefetch = Prefetch(self.port)
        self.in_flight = NoDevice()
        self.device_to_host = FakeDeviceToHost()

    def release_memory(self) -> None:
        self.prefetch.release_memory()

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        ahead = self.prefetch.device_copy(tensor)
        return tensor.clone() if ahead is None else ahead
