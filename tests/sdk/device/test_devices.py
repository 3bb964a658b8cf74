"""A usable GPU is found without waking it; what a batch holds is moved to the device."""

import ctypes
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch

from batchprocess.sdk.device.devices import has_gpu, move, pick_device


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets up a machine with one GPU, a driver for CUDA `driver` (None: no library) and torch."""

    def make(driver: int | None, torch_cuda: str | None = "13.0") -> None:
        class Library:
            def __init__(self, name: str) -> None:
                if driver is None:
                    raise OSError(name)

            @staticmethod
            def cuDriverGetVersion(version: Any) -> int:
                version._obj.value = driver
                return 0

        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.version, "cuda", torch_cuda)
        monkeypatch.setattr(ctypes, "CDLL", Library)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("woke the GPU"))

    return make


@pytest.mark.parametrize("driver", [13000, 13020, 14000])
def test_a_driver_that_is_new_enough(machine: Any, driver: int) -> None:
    machine(driver)
    assert has_gpu()
    assert pick_device(0) == torch.device("cuda", 0)


@pytest.mark.parametrize("driver", [None, 12080])
def test_a_driver_that_torch_cannot_use_means_the_cpu(machine: Any, driver: int | None) -> None:
    machine(driver)
    assert not has_gpu()
    assert pick_device(0) == torch.device("cpu")


def test_a_torch_without_cuda_is_asked_itself(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(13000, None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not has_gpu()


Pair = namedtuple("Pair", "a b")


def test_what_has_a_to_of_its_own_is_moved_by_it():
    class Batch(list):
        def to(self, device):
            return f"moved to {device}"

    assert move(Batch([1]), torch.device("cpu"), set()) == "moved to cpu"
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)])
    moved = move(packed, torch.device("meta"), set())
    assert (moved.data.device.type, moved.batch_sizes.device.type) == ("meta", "cpu")


def test_to_device_keeps_every_container_and_warns_once(caplog):
    warned = set()
    data = {"t": torch.ones(2), "n": np.ones(2), "p": Pair([torch.ones(1)], ("x", "y"))}
    moved = move(data, torch.device("cpu"), warned)
    assert isinstance(moved["n"], torch.Tensor)
    assert isinstance(moved["p"], Pair)
    assert moved["p"].b == ("x", "y")
    assert len([line for line in caplog.messages if "str" in line]) == 1
