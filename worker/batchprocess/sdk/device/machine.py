"""What this process computes on, as the context gives it to user code."""

from dataclasses import dataclass

import torch

from batchprocess.sdk.device.devices import Send
from batchprocess.sdk.device.prepare_model import ModelPreparer


@dataclass(frozen=True)
class Machine:
    """`send` copies a tensor to `device`, where there is a better way than its `.to()`."""

    device: torch.device
    models: ModelPreparer
    send: Send | None = None
