"""A GPU's side of transfers, played on the CPU: copies land late, and only when waited for."""

from dataclasses import dataclass

import torch

from batchprocess.sdk.input.queues.shared_slots import lies_in_slot


@dataclass
class FakeSent:
    """A copy under way: it reads its source when it lands, as a DMA engine would."""

    source: torch.Tensor
    landed: torch.Tensor | None = None


class FakePort:
    """Counts what is asked of it. `full`: no memory on the device; `crowded`: none to pin."""

    def __init__(self, *, full: bool = False, crowded: bool = False) -> None:
        self.full, self.crowded = full, crowded
        self.pinned = self.sent = self.received = 0
        self.opened = False

    def open(self) -> None:
        self.opened = True

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        self.pinned += 1
        return torch.empty_like(tensor).copy_(tensor)

    def out_of_slot(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.clone() if lies_in_slot(tensor) else tensor

    def send(self, tensor: torch.Tensor) -> FakeSent:
        if self.full:
            raise torch.OutOfMemoryError("no memory")
        self.sent += 1
        return FakeSent(tensor)

    def receive(self, sent: FakeSent) -> torch.Tensor:
        self.received += 1
        return sent.source.clone()

    def has_room(self, size: int) -> bool:
        return not self.crowded
