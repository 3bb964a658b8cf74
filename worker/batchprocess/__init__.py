"""GPU batch inference that loses nothing and repeats nothing.

The public names, resolved on first use so that torch loads only when the SDK is touched.
"""

import importlib
from typing import TYPE_CHECKING, Any

from batchprocess.version import __version__ as __version__

if TYPE_CHECKING:
    from batchprocess.runs.results import results
    from batchprocess.sdk.attempt.try_out import try_out
    from batchprocess.sdk.entry import torch_batch_process
    from batchprocess.sdk.reduce.reducers import MetricReducer
    from batchprocess.sdk.user.context import TorchBatchProcessorContext
    from batchprocess.sdk.user.processor import TorchBatchProcessor

_HOME = {
    "MetricReducer": "batchprocess.sdk.reduce.reducers",
    "TorchBatchProcessor": "batchprocess.sdk.user.processor",
    "TorchBatchProcessorContext": "batchprocess.sdk.user.context",
    "results": "batchprocess.runs.results",
    "torch_batch_process": "batchprocess.sdk.entry",
    "try_out": "batchprocess.sdk.attempt.try_out",
}

__all__ = [
    "MetricReducer",
    "TorchBatchProcessor",
    "TorchBatchProcessorContext",
    "results",
    "torch_batch_process",
    "try_out",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
