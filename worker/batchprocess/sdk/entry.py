"""`torch_batch_process`: find our place, run the attempt, say how it ended."""

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
from batchprocess.sdk.attempt.assembly import Live, Parts
from batchprocess.sdk.attempt.attempt import Attempt
from batchprocess.sdk.attempt.dry_run import PLAN, print_plan
from batchprocess.sdk.report.agent_link import Link, LoopState
from batchprocess.sdk.report.error_report import Where, code_of, tell_plainly
from batchprocess.sdk.report.standalone_log import speak
from batchprocess.sdk.setup.placement import DistributedContext, Place, find_place, main_script
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
    state = LoopState()
    where = Where(shard=0)
    link = Link.open(state, os.environ)
    parts: Parts | None = None
    attempt: Attempt | None = None
    try:
        place = find_place(os.environ, distributed_context, main_script())
        where.shard = state.shard = place.shard
        if place.alone:
            speak()
        settings = merge(
            place.environment,
            batch_size=batch_size,
            max_batches=max_batches,
            checkpoint_interval=checkpoint_interval,
            dataloader_kwargs=dataloader_kwargs,
        )
        parts = Parts(batch_processor_cls, dataset, settings, place)
        _stop_on_signals(place, state)
        live = Live(link, state, where)
        _answer_if_asked(parts, live)
        attempt = Attempt(parts)
        attempt.run(live)
    except ShardSealed:
        return
    except Stopped as stop:
        link.outcome(ExitCode.STOPPED, str(stop))
        raise SystemExit(int(ExitCode.STOPPED)) from None
    except Exception as error:
        _report(error, link, where, parts)
        tell_plainly(error, heard=link.connected)
        if attempt is not None:
            attempt.settle(error)
        raise


def _answer_if_asked(parts: Parts, live: Live) -> None:
    """For `plan` and for the finalizer, who want no shard processed: ends the process."""
    if PLAN in os.environ:
        print_plan(parts, try_batch=os.environ[PLAN] == "try")
        _end(parts)
    if parts.place.environment.role == "finalize":
        live.link.send(_reduced(parts, live.where))
        _end(parts)


def _reduced(parts: Parts, where: Where) -> Reduced:
    """The reducers' result over all shards. No batch, no hook."""
    where.stage = "__init__"
    where.run_exists = True
    parts.build(rank=0)
    where.stage = "reduce"
    return parts.reducing().of_all_shards(parts.place.environment.shards, where)


def _report(error: Exception, link: Link, where: Where, parts: Parts | None) -> None:
    """Tell the agent; leave a note in the run for a failure of user code (information only)."""
    code, sentence = int(code_of(error, where)), where.sentence(error)
    link.outcome(code, sentence)
    if parts is None or code != ExitCode.USER_CODE or where.batch is None:
        return
    note = {"error": sentence, "traceback": traceback.format_exc()[-8_000:]}
    key = failure_key(where.shard, where.batch, parts.nonce)
    try:
        perform(_put(key, json.dumps(note).encode()), parts.storage, Patience(5))
    except BatchProcessError as failed:
        _LOG.warning("no note of the failure was left: %s", failed)


def _put(key: str, body: bytes) -> Flow[None]:
    yield Put(key, body)


def _stop_on_signals(place: Place, state: LoopState) -> None:
    """Alone there is no agent to ask us to stop; signals can be handled in the main thread only."""
    if not place.alone or threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, _frame: object) -> None:
        if state.stop:
            signal.default_int_handler(number, None)
        state.stop = True
        _LOG.warning("stopping after this batch; once more to stop at once")

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _end(parts: Parts) -> NoReturn:
    """End the process here: what stands behind the call must not run without a finished shard."""
    parts.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
