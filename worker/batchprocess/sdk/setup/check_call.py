"""What `torch_batch_process` was given, checked before anything is read or built.

Whoever mixes something up gets a sentence that names it: alone, under `run` and under `plan`.
"""

import inspect
from typing import Any

from torch.utils.data import DataLoader

from batchprocess.protocol.errors import InvalidArgument, WrongType
from batchprocess.sdk.setup.deferred_calls import is_concurrent, require_kinds
from batchprocess.sdk.user.processor import TorchBatchProcessor

_CALLED = {
    "__init__": ("__init__(self, context)", (None,), {"context": None}),
    "process_batch": ("process_batch(self, batch, batch_idx)", (None, None, 0), {}),
    "on_checkpoint_start": ("on_checkpoint_start(self)", (None,), {}),
    "on_finish": ("on_finish(self)", (None,), {}),
}
"""How a processor's methods are written, and what they are called with."""


def check_arguments(processor: Any, dataset: Any) -> None:
    """Raise InvalidArgument, or WrongType for the dataset, unless both are of the right kind."""
    if _is_processor(dataset) and not _is_processor(processor):
        raise InvalidArgument(
            f"torch_batch_process got {_what(processor)} first and the processor "
            f"{dataset.__qualname__} second: give the processor's class first, then the dataset"
        )
    require_processor_class(processor)
    if isinstance(dataset, type) or inspect.isroutine(dataset):
        raise WrongType(
            f"the dataset is {_what(dataset)} itself: call it, and give what it returns"
        )
    if isinstance(dataset, DataLoader):
        raise WrongType(
            "the dataset is a DataLoader: give the dataset that it reads, and its options as "
            "batch_size and dataloader_kwargs"
        )


def require_processor_class(candidate: Any) -> None:
    """Raise InvalidArgument unless `candidate` is a subclass of TorchBatchProcessor that can run.

    Nothing may be missing in it, and its methods must take what they will be called with, and run.
    """
    if isinstance(candidate, TorchBatchProcessor):
        name = type(candidate).__qualname__
        raise InvalidArgument(
            f"the processor is an object of {name}: give the class itself, {name}, of which every "
            "attempt makes its own"
        )
    if not _is_processor(candidate):
        raise InvalidArgument(
            f"{_what(candidate)} is no subclass of TorchBatchProcessor, which the processor must be"
        )
    if missing := sorted(candidate.__abstractmethods__):
        wanted = " and ".join(_CALLED[name][0] if name in _CALLED else name for name in missing)
        raise InvalidArgument(
            f"the processor {candidate.__qualname__} lacks {wanted}: define it there"
        )
    for name in _CALLED:
        _require_callable(candidate, name)
    require_kinds(candidate)


def _require_callable(candidate: type, name: str) -> None:
    method = inspect.getattr_static(candidate, name)
    if not inspect.isfunction(method):
        return
    written, values, named = _CALLED[name]
    # What a decorator wraps may well take other arguments than the wrapper does.
    signature = inspect.signature(method, follow_wrapped=False)
    if name == "on_checkpoint_start" and is_concurrent(candidate) and is_told(method):
        return
    try:
        signature.bind(*values, **named)
    except TypeError as error:
        raise InvalidArgument(
            f"{candidate.__qualname__}.{name}{signature} cannot be called ({error}): define it as "
            f"{written}"
        ) from error


def is_told(hook: Any) -> bool:
    """Whether `on_checkpoint_start`, unbound, takes the first batch of the commit and its end.

    So it may be written beside an `async def process_batch`.
    """
    try:
        inspect.signature(hook, follow_wrapped=False).bind(None, 0, 0)
    except TypeError:
        return False
    return True


def _is_processor(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, TorchBatchProcessor)


def _what(candidate: Any) -> str:
    if isinstance(candidate, type):
        return f"the class {candidate.__qualname__}"
    if inspect.isroutine(candidate):
        return f"the function {candidate.__qualname__}"
    return f"an object of {type(candidate).__qualname__}"
