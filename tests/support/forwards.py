"""Calls of models as the splitter is given them."""

from collections.abc import Callable
from typing import Any

import torch

from batchprocess.sdk.device.out_of_memory.split_proof import Forward


def forward(
    run: Callable[..., Any],
    plain: Callable[..., Any] | None,
    *args: Any,
    model: torch.nn.Module | None = None,
    **kwargs: Any,
) -> Forward:
    """`run` on a device that may be too small, `plain` the same on one that is not."""
    return Forward(model or torch.nn.Module().eval(), run, plain or run, args, kwargs)
