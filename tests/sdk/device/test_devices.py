"""A usable GPU is found without waking it; what a batch holds is moved to the device."""

import ctypes
from collections import OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
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


@dataclass(frozen=True)
class Sample:
    """A batch that computes one of its fields, and takes something that is none."""

    image: Any
    names: list[str]
    scale: InitVar[int]
    size: int = field(init=False, default=0)

    def __post_init__(self, scale: int) -> None:
        object.__setattr__(self, "size", scale * 2)


class Named(dict):
    """Items as attributes: it has whatever it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return self.setdefault(name, Named())


class Tagged(dict):
    """Has something beside its items."""

    def __init__(self, source: str) -> None:
        super().__init__(x=torch.ones(1))
        self.source = source


META = torch.device("meta")


@pytest.mark.parametrize(
    "batch",
    [
        OrderedDict(x=torch.ones(1), y=[torch.ones(1)]),
        defaultdict(list, x=torch.ones(1)),
        UserDict(x=torch.ones(1)),
        Named(x=torch.ones(1)),
        Tagged("a.jpg"),
        MappingProxyType({"x": torch.ones(1)}),
        UserList([torch.ones(1)]),
        deque([torch.ones(1)], maxlen=3),
        Pair(torch.ones(1), {"x": np.ones(1)}),
        Sample(torch.ones(1), ["a"], 3),
        (torch.ones(1), [torch.ones(1)]),
    ],
    ids=lambda batch: type(batch).__name__,
)
def test_containers_are_moved_and_keep_their_types(batch: Any) -> None:
    moved = move(batch, META, set())
    assert type(moved) is type(batch)
    found = [one.device for one in leaves(moved) if isinstance(one, torch.Tensor)]
    assert set(found) == {META}
    assert {one.device.type for one in leaves(batch) if isinstance(one, torch.Tensor)} == {"cpu"}


def leaves(value: Any) -> Iterator[Any]:
    """Whatever stands in it."""
    if isinstance(value, Mapping):
        value = list(value.values())
    elif isinstance(value, Sample):
        value = [value.image]
    if isinstance(value, list | tuple | deque | UserList):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_what_a_container_holds_beside_its_items_stays() -> None:
    moved = move(defaultdict(lambda: 7, x=torch.ones(1)), META, set())
    assert moved["new"] == 7
    assert move(deque([1], maxlen=3), META, set()).maxlen == 3
    assert move(Tagged("a.jpg"), META, set()).source == "a.jpg"
    sample = move(Sample(torch.ones(1), ["a"], 3), META, set())
    assert (sample.names, sample.size, sample.image.device) == (["a"], 6, META)


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", "b"]),
        np.array([None, {}], object),
        np.array([1, 2], "M8[ns]"),
        np.array([1, 2], "m8[D]"),
        np.zeros(2, [("a", int)]),
        np.ones(2, np.longdouble),
        np.ma.array([1, 2], mask=[False, True]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_an_array_that_is_no_tensor_stays_with_one_warning(caplog, array) -> None:
    warned: set[type] = set()
    for _ in range(2):
        moved = move({"x": array, "t": torch.ones(1)}, META, warned)
        assert moved["x"] is array
        assert moved["t"].device == META
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "array",
    [
        np.arange(3)[::-1],
        np.arange(3, dtype=">i4"),
        np.frombuffer(b"abc", np.uint8),
        np.arange(6).reshape(2, 3).T,
        np.ones((0, 2)),
        np.array(5),
        np.ones(2, np.complex64),
        np.array([1], np.uint16),
        np.ma.array([1, 2], mask=[False, False]),
    ],
    ids=str,
)
def test_an_array_of_numbers_is_a_tensor_whatever_its_layout(array) -> None:
    moved = move(array, torch.device("cpu"), set())
    assert moved.tolist() == array.tolist()
