"""What was finished before user code raised is committed, where that takes nothing of its own."""

import logging

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.sdk.attempt.loop import Loop
from batchprocess.sdk.report.error_report import exit_code_of
from batchprocess.sdk.user.processor import TorchBatchProcessor

_LOG = logging.getLogger("batchprocess")
_IN_BATCH = ("reading a batch", "process_batch")


def commit_before(error: BaseException, loop: Loop) -> None:
    """Commit the finished batches of the interval; a failure of it is logged.

    Does nothing unless `error` is one of user code in a batch that has handed nothing over, and the
    processor has no hook and no reducer that would have to be asked: all it has is saved then.
    """
    if loop.idle or loop.committed == loop.state.processed or not _may_commit(error, loop):
        return
    where = loop.where
    stage, batch = where.stage, where.batch
    try:
        loop.commit_finished()
    except Exception as failed:  # noqa: BLE001  `error` is what ends the attempt
        _LOG.warning("batches that were finished before it are not committed: %s", failed)
    finally:
        where.enter(stage, batch)


def _may_commit(error: BaseException, loop: Loop) -> bool:
    if loop.where.stage not in _IN_BATCH or loop.pending.reducers or loop.handed_over_in_batch():
        return False
    hasty = isinstance(error, KeyboardInterrupt) and loop.state.stop
    return (
        not hasty
        and exit_code_of(error, loop.where) == ExitCode.USER_CODE
        and not has_hooks(loop.processor)
    )


def has_hooks(processor: TorchBatchProcessor) -> bool:
    """Whether it does anything at a checkpoint or at the end."""
    return any(
        getattr(getattr(processor, name), "__func__", None) is not vars(TorchBatchProcessor)[name]
        for name in ("on_checkpoint_start", "on_finish")
    )
