"""Hooks of a processor on the event loop, whether they are coroutine functions or plain ones."""

import asyncio
import contextvars
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from batchprocess.sdk.output.concurrent.current_batch import CURRENT, Hook
from batchprocess.sdk.setup.check_call import is_told
from batchprocess.sdk.setup.deferred_calls import refuse_deferred
from batchprocess.sdk.user.processor import TorchBatchProcessor


def checkpoint_call(processor: TorchBatchProcessor, first: int, end: int) -> Callable[[], Any]:
    """`on_checkpoint_start`, told which batches the commit has if it is written to be."""
    hook: Callable[..., Any] = processor.on_checkpoint_start
    if is_told(getattr(hook, "__func__", None)):
        return partial(hook, first, end)
    return hook


async def in_context(hook: Hook, call: Callable[[], Any]) -> None:
    """Call it as this hook: what it starts belongs to no batch either."""
    context = contextvars.copy_context()
    context.run(CURRENT.set, hook)
    returned = context.run(call)
    if inspect.iscoroutine(returned):
        await asyncio.get_running_loop().create_task(returned, context=context)
    elif returned is not None:
        refuse_deferred(hook, returned)
