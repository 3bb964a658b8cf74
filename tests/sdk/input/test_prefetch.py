"""Batches sent ahead are what user code would have copied itself, whatever it does to them."""

from collections import namedtuple

import numpy as np
import pytest
import torch

from batchprocess.sdk.input.prefetch import Prefetch
from support.fake_port import FakePort

Pair = namedtuple("Pair", "image label")


def pair(number: int) -> Pair:
    return Pair(torch.full((2, 3), float(number)), torch.tensor([number, number]))


def begun(prefetch: Prefetch, batch):
    """The batch as user code gets it."""
    given = prefetch.stage(batch)
    prefetch.begin_batch()
    return given


def learned(port: FakePort) -> Prefetch:
    """A prefetch whose first batch was asked for its image only."""
    prefetch = Prefetch(port)
    batch = begun(prefetch, pair(0))
    assert (port.pinned, port.sent) == (2, 2)
    assert prefetch.device_copy(batch.image) is not None
    prefetch.end_batch()
    return prefetch


def test_only_what_the_batch_before_was_asked_for_is_sent() -> None:
    port = FakePort()
    prefetch = learned(port)
    given = pair(1)
    batch = begun(prefetch, given)
    assert (port.pinned, port.sent) == (3, 3)
    assert isinstance(batch, Pair)
    assert batch.label is given.label
    assert torch.equal(prefetch.device_copy(batch.image), given.image)
    assert prefetch.device_copy(batch.label) is None
    prefetch.end_batch()
    prefetch.stage(pair(2))
    assert (port.pinned, port.sent) == (5, 5)


def test_what_is_no_longer_asked_for_is_no_longer_sent() -> None:
    port = FakePort()
    prefetch = learned(port)
    begun(prefetch, pair(1))
    prefetch.end_batch()
    begun(prefetch, pair(2))
    assert port.sent == 3


def test_everything_is_always_sent_if_that_was_asked_for() -> None:
    port = FakePort()
    prefetch = Prefetch(port, everything=True)
    for number in range(1, 4):
        begun(prefetch, {"a": [torch.ones(1), ("x", torch.ones(2))]})
        prefetch.end_batch()
        assert port.sent == 2 * number


def test_a_copy_is_handed_out_once() -> None:
    prefetch = learned(FakePort())
    batch = begun(prefetch, pair(1))
    assert prefetch.device_copy(batch.image) is not None
    assert prefetch.device_copy(batch.image) is None


CHANGES = {
    "in place": lambda tensor: tensor.mul_(2),
    "through a view": lambda tensor: tensor[0].zero_(),
    "through detach": lambda tensor: tensor.detach().add_(1),
    "through numpy": lambda tensor: np.add(tensor.numpy(), 1, out=tensor.numpy()),
    "through numpy of a view": lambda tensor: tensor[1:].numpy().fill(7),
    "through asarray": lambda tensor: np.asarray(tensor).fill(7),
    "by assignment": lambda tensor: tensor.__setitem__(0, 5.0),
    "by other data": lambda tensor: setattr(tensor, "data", tensor.data + 1),
    "in what its gradient is": lambda tensor: tensor.requires_grad_(),
    "in inference mode": torch.inference_mode()(lambda tensor: tensor.add_(1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_of_what_was_changed_since_is_not_handed_out(change) -> None:
    prefetch = learned(FakePort())
    batch = begun(prefetch, pair(1))
    change(batch.image)
    assert prefetch.device_copy(batch.image) is None


def test_reading_changes_nothing() -> None:
    prefetch = learned(FakePort())
    batch = begun(prefetch, pair(1))
    assert batch.image.sum().item() == 6
    assert batch.image.tolist()
    assert torch.stack([batch.image, batch.image]).shape == (2, 2, 3)
    assert prefetch.device_copy(batch.image) is not None


def test_a_kept_batch_is_not_the_current_one_and_a_view_is_not_the_tensor() -> None:
    prefetch = learned(FakePort())
    kept = begun(prefetch, pair(1))
    prefetch.end_batch()
    batch = begun(prefetch, pair(2))
    assert prefetch.device_copy(kept.image) is None
    assert prefetch.device_copy(batch.image[:1]) is None


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(2, requires_grad=True),
        torch.nn.Parameter(torch.ones(2)),
        torch.ones(2).to_sparse(),
        torch.ones(3, 4).t(),
        torch.ones(1).expand(4),
        torch.empty(0),
        torch.ones(2, dtype=torch.complex64).conj(),
        torch.inference_mode()(lambda: torch.ones(2))(),
    ],
    ids=lambda tensor: f"{type(tensor).__name__} {tensor.layout} {tensor.dtype}",
)
def test_tensors_that_are_more_than_their_values_go_the_plain_way(tensor) -> None:
    port = FakePort()
    given = Prefetch(port, everything=True).stage([tensor])
    assert (port.pinned, port.sent) == (0, 0)
    assert given[0] is tensor


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation:UserWarning")
def test_quantized_tensors_go_the_plain_way() -> None:
    port, tensor = FakePort(), torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.quint8)
    assert Prefetch(port, everything=True).stage(tensor) is tensor
    assert port.pinned == 0


@pytest.mark.parametrize("part", [lambda x: x[:1], lambda x: x.t(), lambda x: x[:, 1:]])
def test_tensors_that_share_memory_stay_so(part) -> None:
    port = FakePort()
    whole = torch.arange(4.0).reshape(2, 2)
    batch = [whole, part(whole)]
    assert Prefetch(port, everything=True).stage(batch) is batch
    assert port.pinned == 0


def test_images_keep_their_layout() -> None:
    image = torch.ones(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    batch = Prefetch(FakePort(), everything=True).stage(image)
    assert batch.is_contiguous(memory_format=torch.channels_last)


class Batch:
    """A type of the user's own."""


@pytest.mark.parametrize("batch", [Batch(), "text", None, {1, 2}, 3.5])
def test_other_batches_come_through_as_they_are(batch) -> None:
    prefetch = Prefetch(FakePort(), everything=True)
    assert begun(prefetch, batch) is batch


def test_containers_keep_their_types_and_order() -> None:
    batch = {"b": [torch.ones(1), ("x", Pair(torch.ones(2), 3))], "a": None}
    made = Prefetch(FakePort(), everything=True).stage(batch)
    assert repr(made) == repr(batch)
    assert type(made["b"][1][1]) is Pair


class Doubled(Pair):
    """Is made of one thing, and has two fields."""

    def __new__(cls, image):
        return super().__new__(cls, image, image * 2)


def test_a_named_tuple_with_a_constructor_of_its_own_comes_through() -> None:
    made = Prefetch(FakePort(), everything=True).stage(Doubled(torch.ones(2)))
    assert type(made) is Doubled
    assert [field.tolist() for field in made] == [[1, 1], [2, 2]]


def test_without_memory_on_the_device_batches_go_the_plain_way_and_it_is_said_once(caplog) -> None:
    port = FakePort(full=True)
    prefetch = Prefetch(port, everything=True)
    for number in range(3):
        batch = begun(prefetch, pair(number))
        assert prefetch.device_copy(batch.image) is None
    assert len(caplog.messages) == 1
    assert "no GPU memory for batches ahead" in caplog.text


def test_with_too_much_pinned_memory_in_use_batches_are_left_alone() -> None:
    port = FakePort(crowded=True)
    given = pair(0)
    assert Prefetch(port, everything=True).stage(given) is given


def test_a_model_that_needs_the_memory_gets_that_of_batches_ahead() -> None:
    port = FakePort()
    prefetch = Prefetch(port, everything=True)
    batch = prefetch.stage(pair(0))
    prefetch.release_memory()
    prefetch.begin_batch()
    assert prefetch.device_copy(batch.image) is None
    prefetch.stage(pair(1))
    assert port.sent == 2


class Unlockable(FakePort):
    """Has memory to page-lock one tensor."""

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        if self.pinned:
            raise RuntimeError("out of memory")
        return super().pin(tensor)


def test_without_memory_to_lock_batches_go_the_plain_way_and_it_is_said_once(caplog) -> None:
    port = Unlockable()
    prefetch = Prefetch(port, everything=True)
    for number in range(3):
        given = pair(number)
        batch = begun(prefetch, given)
        assert (prefetch.device_copy(batch.image) is None) is (number > 0)
        assert prefetch.device_copy(batch.label) is None
        assert torch.equal(batch.image, given.image)
        assert batch.label is given.label
        prefetch.end_batch()
    assert len([line for line in caplog.messages if "page-locked" in line]) == 1
