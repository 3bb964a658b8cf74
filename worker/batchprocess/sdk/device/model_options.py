"""How the user wants a model prepared."""

from dataclasses import dataclass

import torch

GRAPH_MODES = ("reduce-overhead", "max-autotune")
_MODES = ("default", *GRAPH_MODES, "max-autotune-no-cudagraphs")


@dataclass(frozen=True)
class ModelOptions:
    """What the user asked for; see `TorchBatchProcessorContext.prepare_model_for_inference`."""

    dtype: torch.dtype | None = None
    compile: bool | str = False
    channels_last: bool = False
    split_when_out_of_memory: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.dtype, torch.dtype | None):
            raise TypeError(f"dtype must be a type such as torch.bfloat16, not {self.dtype!r}")
        if self.dtype is not None and not self.dtype.is_floating_point:
            raise ValueError(f"dtype must be a floating-point type, not {self.dtype}")
        if not isinstance(self.compile, bool) and self.compile not in _MODES:
            raise ValueError(f"compile must be True, False or one of {_MODES}: {self.compile!r}")

    @property
    def mode(self) -> str | None:
        """torch.compile's mode, None for no compiling."""
        if isinstance(self.compile, str):
            return self.compile
        return "default" if self.compile else None
