"""`torch_batch_process`: find our placement, run the attempt, say how it ended."""

import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from batchprocess.ledger.effects import Flow, Put
from batchprocess.protocol.control import Reduced
from batchprocess.protocol.errors import BatchProcessError, ShardSealed, Stopped
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.records import failure_key
from batchprocess.runs.perform import Patience, perform
from batchprocess.sdk.attempt.assembly import AttemptAssembly, AttemptState
from batchprocess.sdk.attempt.attempt import Attempt
from batchprocess.sdk.attempt.dry_run import PLAN, print_plan
from batchprocess.sdk.report.agent_link import AgentLink, LoopState
from batchprocess.sdk.report.error_report import Where, exit_code_of
from batchprocess.sdk.report.standalone_log import log_to_stderr
from batchprocess.sdk.report.uncaught import print_plainly_if_uncaught
from batchprocess.sdk.setup.placement import (
    DistributedContext,
    Placement,
    find_placement,
    main_script,
)
from batchprocess.sdk.setup.settings import merge
from batchprocess.sdk.user.processor import TorchBatchProcessor

_LOG = logging.getLogger("batchprocess")
_called = threading.Event()


def torch_batch_process(  # noqa: PLR0913, PLR0917  the seed's API
    batch_processor_cls: type[TorchBatchProcessor],
    dataset: Any,
    batch_size: int | None = None,
    max_batches: int | None = None,
    checkpoint_interval: int | None = None,
    dataloader_kwargs: Mapping[str, Any] | None = None,
    distributed_context: DistributedContext | None = None,
) -> None:
    """Process every row of `dataset` exactly once, resuming where the last commit stands.

    batch_processor_cls: subclass of TorchBatchProcessor; constructed once, with `context=`.
    dataset: map-style, with `__len__` and `__getitem__`; equal on every machine.
    batch_size: rows a batch; None takes the job's, else dataloader_kwargs', else 1 (warned).
    max_batches: bound per shard; 0 or less, or more than the shard has, is ignored (warned).
    checkpoint_interval: batches between commits; None takes the job's, else 5.
    dataloader_kwargs: options of torch's DataLoader; those that would reorder rows are refused.
    distributed_context: optional, with `rank` and `size`; the job's environment comes first.

    Alone, processes one shard into `$BATCHPROCESS_OUTPUT` or `./batchprocess-runs`, and says on
    stderr from where and with what result, unless logging is set up otherwise. Returns only
    after the shard's seal is durable. On a stop (SIGTERM, Ctrl-C, suspend) commits and raises
    SystemExit(85). Raises InvalidArgument (a ValueError; for a dataset without length a
    TypeError too), other errors of `batchprocess.protocol.errors`, and whatever user code raises.
    """
    if _called.is_set():
        raise RuntimeError("torch_batch_process may be called once per process")
    _called.set()
    loop_state = LoopState()
    where = Where(shard=0)
    link = AgentLink.open(loop_state, os.environ)
    assembly: AttemptAssembly | None = None
    attempt: Attempt | None = None
    try:
        placement = find_placement(os.environ, distributed_context, main_script())
        where.shard = loop_state.shard = placement.shard
        if placement.alone:
            log_to_stderr()
        settings = merge(
            placement.environment,
            batch_size=batch_size,
            max_batches=max_batches,
            checkpoint_interval=checkpoint_interval,
            dataloader_kwargs=dataloader_kwargs,
        )
        assembly = AttemptAssembly(batch_processor_cls, dataset, settings, placement)
        _stop_on_signals(placement, loop_state)
        state = AttemptState(link, loop_state, where)
        _answer_if_asked(assembly, state)
        attempt = Attempt(assembly)
        attempt.run(state)
    except ShardSealed:
        return
    except Stopped as stop:
        link.outcome(ExitCode.STOPPED, str(stop))
        raise SystemExit(int(ExitCode.STOPPED)) from None
    except Exception as error:
        _report(error, link, where, assembly)
        print_plainly_if_uncaught(error, reported=link.connected)
        if attempt is not None:
            attempt.await_after_failure(error)
        raise


def _answer_if_asked(assembly: AttemptAssembly, state: AttemptState) -> None:
    """For `plan` and for the finalizer, who want no shard processed: ends the process."""
    if PLAN in os.environ:
        print_plan(assembly, try_batch=os.environ[PLAN] == "try")
        _end(assembly)
    if assembly.placement.environment.role == "finalize":
        state.link.send(_reduced(assembly, state.where))
        _end(assembly)


def _reduced(assembly: AttemptAssembly, where: Where) -> Reduced:
    """The reducers' result over all shards. No batch, no hook."""
    where.run_exists = True
    with where.at("__init__"):
        assembly.new_processor(rank=0)
    with where.at("reduce"):
        return assembly.reducing().of_all_shards(assembly.placement.environment.shards, where)


def _report(
    error: Exception, link: AgentLink, where: Where, assembly: AttemptAssembly | None
) -> None:
    """Tell the agent; leave a note in the run for a failure of user code (information only)."""
    code, sentence = int(exit_code_of(error, where)), where.sentence(error)
    link.outcome(code, sentence)
    if assembly is None or code != ExitCode.USER_CODE or where.batch is None:
        return
    note = {"error": sentence, "traceback": traceback.format_exc()[-8_000:]}
    key = failure_key(where.shard, where.batch, assembly.nonce)
    try:
        perform(_put(key, json.dumps(note).encode()), assembly.storage, Patience(5))
    except BatchProcessError as failed:
        _LOG.warning("no note of the failure was left: %s", failed)


def _put(key: str, body: bytes) -> Flow[None]:
    yield Put(key, body)


def _stop_on_signals(placement: Placement, state: LoopState) -> None:
    """Alone there is no agent to ask us to stop; signals can be handled in the main thread only."""
    if not placement.alone or threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, _frame: object) -> None:
        if state.stop:
            signal.default_int_handler(number, None)
        state.stop = True
        _LOG.warning("stopping after this batch; once more to stop at once")

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _end(assembly: AttemptAssembly) -> NoReturn:
    """End the process here: what stands behind the call must not run without a finished shard."""
    assembly.remove_temporary_files()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
