"""The error of a batch that is too large says which one may fit, by what was measured."""

import pytest
import torch

from batchprocess.sdk.device.out_of_memory.fitting import Shortage, explain

GIB = 1 << 30


class FakeMemory:
    """Of a GPU with 4 GiB, one of them taken before; tensors of the failed call while they live."""

    def __init__(self, taken: int) -> None:
        self.taken = taken
        self.held = []

    def allocated(self) -> int:
        return GIB + (self.taken if any(one() is not None for one in self.held) else 0)

    def capacity(self) -> int:
        return 4 * GIB


class Activation:
    """Held by a local variable of the forward."""


def failed(memory: FakeMemory, text: str) -> torch.OutOfMemoryError:
    import weakref

    def forward():
        activation = Activation()
        memory.held.append(weakref.ref(activation))
        raise torch.OutOfMemoryError(text)

    try:
        forward()
    except torch.OutOfMemoryError as error:
        return error


def test_the_estimate_is_of_what_was_held_and_asked_for() -> None:
    memory = FakeMemory(taken=2 * GIB)
    error = failed(memory, "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...")
    explain(error, 40, memory)
    assert str(error).startswith(
        "a batch of 40 rows does not fit into the GPU's memory: the model had asked for 4.00 GiB "
        "when it failed, and had 3.00 GiB, so that batch_size=30 is the most that may fit (an "
        "estimate: what it would have asked for later was not measured). Give a smaller "
        "batch_size, or split_when_out_of_memory=True to prepare_model_for_inference. CUDA out of"
    )


@pytest.mark.parametrize(
    ("taken", "rows", "sentence"),
    [
        (200 * GIB, 40, "so that not even one row is likely to fit"),
        (GIB, 40, "batch_size=39 is the most that may fit"),
        (3 * GIB, 1, "so that not even one row is likely to fit"),
        (0, 40, "what would fit could not be measured"),
    ],
)
def test_the_estimate_is_never_as_large_as_what_failed(taken, rows, sentence) -> None:
    memory = FakeMemory(taken)
    assert sentence in str(Shortage.measured(failed(memory, "out of memory"), rows, memory))


def test_without_a_batch_in_work_the_error_is_left_as_it_is() -> None:
    error = torch.OutOfMemoryError("CUDA out of memory")
    explain(error, None, FakeMemory(0))
    assert str(error) == "CUDA out of memory"


def test_where_nobody_can_measure_no_size_is_named() -> None:
    error = torch.OutOfMemoryError("CUDA out of memory")
    explain(error, 8, None)
    assert "could not be measured. Give a smaller batch_size" in str(error)
