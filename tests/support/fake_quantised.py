"""Models that refuse what quantised and mapped ones of transformers and accelerate refuse."""

from typing import Any

import torch


class FakeBitsandbytesModel(torch.nn.Module):
    """Its `to` is that of transformers for bitsandbytes and GPTQ: no `dtype`, not even None."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(2, 2)
        self.packed = torch.nn.Parameter(torch.ones(2, dtype=torch.uint8), requires_grad=False)
        self.moved: list[dict[str, Any]] = []

    def to(self, *args: Any, **kwargs: Any) -> "FakeBitsandbytesModel":
        if "dtype" in kwargs or any(isinstance(one, torch.dtype) for one in args):
            raise ValueError("You cannot cast a bitsandbytes model in a new `dtype`.")
        self.moved.append(kwargs)
        super().to(*args, **kwargs)
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x)


class FakeHqqModel(FakeBitsandbytesModel):
    """Never to be moved."""

    def to(self, *args: Any, **kwargs: Any) -> "FakeHqqModel":
        raise ValueError("`.to` is not supported for HQQ-quantized models.")


class FakeMappedModel(torch.nn.Module):
    """As accelerate's dispatch_model leaves it: spread, some of it elsewhere altogether."""

    def __init__(self) -> None:
        super().__init__()
        self.here = torch.nn.Linear(2, 2)
        self.offloaded = torch.nn.Linear(2, 2, device="meta")
        self.hf_device_map = {"here": "cpu", "offloaded": "disk"}

    def to(self, *args: Any, **kwargs: Any) -> "FakeMappedModel":
        raise RuntimeError("You can't move a model that has some modules offloaded to cpu or disk.")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.here(x)
