"""What torch keeps for a thread: coroutines of many batches run in one, and share it.

A block such as `with torch.autocast(...)` around an `await` would hold for whatever runs meanwhile.
"""

from typing import NamedTuple

import torch

from batchprocess.sdk.device.torch_private import current_stream_key


class ThreadState(NamedTuple):
    """`stream`: of the GPU in use; None while no GPU is."""

    gradients: bool
    inference: bool
    autocast_cpu: bool
    autocast_gpu: bool
    stream: tuple[int, ...] | None

    def differs_from(self, before: "ThreadState") -> str | None:
        """What has changed since, in words; None: nothing has."""
        if self == before:
            return None
        if self.gradients != before.gradients or self.inference != before.inference:
            return "the grad mode (torch.no_grad, enable_grad, inference_mode)"
        if self[2:4] != before[2:4]:
            return "autocast"
        # The first use of a GPU in this process makes it a stream, which nobody has chosen.
        return "the current stream" if before.stream is not None else None

    def restore(self) -> None:
        """Set what can be set; inference mode only its own block can leave."""
        torch.set_grad_enabled(self.gradients)
        torch.set_autocast_enabled("cpu", self.autocast_cpu)
        torch.set_autocast_enabled("cuda", self.autocast_gpu)


def thread_state() -> ThreadState:
    """Of this thread, now; about a microsecond."""
    return ThreadState(
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.is_autocast_enabled("cuda"),
        current_stream_key(),
    )
