"""Which batch a call of user code belongs to: that of the task that makes it.

Tasks that a batch starts, and threads by `asyncio.to_thread`, belong to it too. Threads that were
started otherwise belong to none.
"""

from contextvars import ContextVar
from typing import Literal

from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs

Hook = Literal["on_start", "on_checkpoint_start", "on_finish"]
CURRENT: ContextVar[BatchOutputs | Hook | None] = ContextVar("batchprocess_batch", default=None)
