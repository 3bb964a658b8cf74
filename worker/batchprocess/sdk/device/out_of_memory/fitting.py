"""How many rows would have fitted, estimated from what a call had taken when memory ran out."""

import traceback
from dataclasses import dataclass
from typing import Protocol, Self

import torch

from batchprocess.sdk.report.torch_errors import bytes_asked_for

_GIB = 1 << 30


class Memory(Protocol):
    """The device's memory as this process sees it; in bytes."""

    def allocated(self) -> int:
        """Held by tensors now."""

    def capacity(self) -> int:
        """The most that tensors could hold."""


class CudaMemory:
    """Of one GPU, by torch's own allocator."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def allocated(self) -> int:
        """Held by tensors now."""
        return torch.cuda.memory_allocated(self._device)

    def capacity(self) -> int:
        """What other processes leave, within what this one may take."""
        free, total = torch.cuda.mem_get_info(self._device)
        share = torch.cuda.get_per_process_memory_fraction(self._device)
        return min(free + torch.cuda.memory_reserved(self._device), int(share * total))


@dataclass(frozen=True)
class Shortage:
    """A forward for a batch of `rows` rows that failed.

    `asked`: bytes that it had asked for until then, at least; `room`: bytes there were for it.
    Both None where nobody can measure.
    """

    rows: int
    asked: int | None = None
    room: int | None = None

    @classmethod
    def measured(cls, error: BaseException, rows: int, memory: Memory | None) -> Self:
        """From the error that has just been raised; lets go of the failed call's tensors."""
        if memory is None:
            return cls(rows)
        at_failure = memory.allocated()
        _clear(error)
        before = memory.allocated()
        asked = at_failure - before + bytes_asked_for(error)
        return cls(rows, asked, max(0, memory.capacity() - before))

    @property
    def most_rows(self) -> int | None:
        """That may fit if each needs as much as another; None if it was not measured."""
        if not self.asked or self.room is None:
            return None
        return min(self.rows - 1, self.rows * self.room // self.asked)

    def __str__(self) -> str:
        text = f"a batch of {self.rows} rows does not fit into the GPU's memory"
        most = self.most_rows
        if most is None or self.asked is None or self.room is None:
            return f"{text}; what would fit could not be measured"
        measured = (
            f"{text}: the model had asked for {self.asked / _GIB:.2f} GiB when it failed, and had "
            f"{self.room / _GIB:.2f} GiB"
        )
        if most < 1:
            return f"{measured}, so that not even one row is likely to fit"
        return (
            f"{measured}, so that batch_size={most} is the most that may fit (an estimate: what it "
            "would have asked for later was not measured)"
        )


def explain(error: torch.OutOfMemoryError, rows: int | None, memory: Memory | None) -> None:
    """Have the error of a forward say what would fit; `rows` of the batch in work, if one is."""
    if rows is None:
        return
    what = Shortage.measured(error, rows, memory)
    error.args = (
        f"{what}. Give a smaller batch_size, or split_when_out_of_memory=True to "
        f"prepare_model_for_inference. {error}",
    )


def _clear(error: BaseException | None) -> None:
    """Drop the local variables of the calls that have failed: they hold the tensors."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
