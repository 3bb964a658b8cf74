"""From the user's class to a processor, and what looks wrong with the class."""

import difflib
import logging
from collections.abc import Iterator

from batchprocess.sdk.setup.check_call import require_processor_class
from batchprocess.sdk.setup.deferred_calls import require_kinds
from batchprocess.sdk.user.context import TorchBatchProcessorContext
from batchprocess.sdk.user.processor import TorchBatchProcessor

_LOG = logging.getLogger("batchprocess")
_HOOKS = ("on_checkpoint_start", "on_finish")
_MIN_SIMILARITY, _MIN_SIMILARITY_UNLESS_ON = 0.7, 0.85
"""Whoever writes `on_...` means a hook; `checkpoint_start` is one too, `checkpoint_path` is not."""


def construct_processor(
    processor_class: type[TorchBatchProcessor], context: TorchBatchProcessorContext
) -> TorchBatchProcessor:
    """The processor; InvalidArgument if the class makes none, or whatever `__init__` raises."""
    require_processor_class(processor_class)
    processor = processor_class.__new__(processor_class, context=context)  # type: ignore[call-arg]
    processor.__init__(context=context)  # type: ignore[misc]
    require_kinds(processor)  # `__init__` may have given it other methods
    return processor


def warn_of_misspelt_hooks(processor: type[TorchBatchProcessor]) -> None:
    """Log what looks wrong with the class."""
    for sentence in misspelt_hooks(processor):
        _LOG.warning("%s", sentence)


def misspelt_hooks(processor: type[TorchBatchProcessor]) -> Iterator[str]:
    """A sentence for each method that is called almost like a hook which the class lacks.

    Nobody would call it, and that is to be known before hours of batches have run.
    """
    missing = [name for name in _HOOKS if not _overridden(processor, name)]
    own = (name for name in dir(processor) if not hasattr(TorchBatchProcessor, name))
    for name in own:
        if name.startswith("_") or not callable(getattr(processor, name, None)):
            continue
        cutoff = _MIN_SIMILARITY if name.startswith("on_") else _MIN_SIMILARITY_UNLESS_ON
        for hook in difflib.get_close_matches(name, missing, n=1, cutoff=cutoff):
            yield (
                f"{processor.__qualname__}.{name} is no hook, so nobody calls it: did you mean "
                f"{hook}?"
            )


def _overridden(processor: type[TorchBatchProcessor], name: str) -> bool:
    return getattr(processor, name) is not getattr(TorchBatchProcessor, name)
