"""`torch_batch_process`: find our placement, run the attempt, say how it ended."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from batchprocess.protocol.dry_run import DryRunQuestion
from batchprocess.protocol.environment import WorkerEnvironment, is_worker
from batchprocess.protocol.errors import (
    BatchProcessError,
    EndedByUserCode,
    ShardSealed,
    Stopped,
)
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.attempt.attempt import Attempt
from batchprocess.sdk.attempt.dry_run import print_failure
from batchprocess.sdk.attempt.other_roles import answer_if_asked
from batchprocess.sdk.attempt.skipping.another_process import request_of
from batchprocess.sdk.attempt.state import AttemptState
from batchprocess.sdk.exit_guard import end_soon_after_script
from batchprocess.sdk.report.error_report import exit_code_of
from batchprocess.sdk.report.failure_note import leave_failure_note
from batchprocess.sdk.report.standalone_log import log_to_stderr
from batchprocess.sdk.report.uncaught import print_plainly_if_uncaught
from batchprocess.sdk.setup.main_guard import refuse_call_of_starting_child
from batchprocess.sdk.setup.placement import (
    DistributedContext,
    find_placement,
    is_interactive,
    main_script,
)
from batchprocess.sdk.setup.settings import Settings, merge
from batchprocess.sdk.setup.stop_signals import is_of_person, stop_on_signals
from batchprocess.sdk.thread_calls import counted_in_exit_code
from batchprocess.sdk.user.processor import TorchBatchProcessor

_called = threading.Event()
_running = threading.Lock()


def torch_batch_process(  # noqa: PLR0913, PLR0917  the seed's API
    batch_processor_cls: type[TorchBatchProcessor],
    dataset: Any,
    batch_size: int | None = None,
    max_batches: int | None = None,
    checkpoint_interval: int | None = None,
    dataloader_kwargs: Mapping[str, Any] | None = None,
    distributed_context: DistributedContext | None = None,
    max_in_flight: int | None = None,
) -> None:
    """Process every row of `dataset` exactly once, resuming where the last commit stands.

    batch_processor_cls: subclass of TorchBatchProcessor; constructed once, with `context=`.
    dataset: map-style, with `__len__` and `__getitem__`; equal on every machine.
    batch_size: rows a batch; None takes the job's, else dataloader_kwargs', else 1 (warned).
    max_batches: bound per shard; 0 or less, or more than the shard has, is ignored (warned).
    checkpoint_interval: batches between commits; None takes the job's, else 5.
    dataloader_kwargs: options of torch's DataLoader; those that would reorder rows are refused.
    distributed_context: optional, with `rank` and `size`; the job's environment comes first.
    max_in_flight: batches under way at a time, for an `async def process_batch`; None takes the
    job's, else 2,048 rows' worth and at least 2.

    Alone, processes one shard into `$BATCHPROCESS_OUTPUT` or `./batchprocess-runs`, and says on
    stderr from where and with what result, unless logging is set up otherwise. Returns only
    after the shard's seal is durable. On a stop (Ctrl-C, SIGTERM, SIGHUP, suspend) commits and
    raises SystemExit(85). Raises InvalidArgument (a ValueError; for a dataset without length a
    TypeError too), other errors of `batchprocess.protocol.errors`, and whatever Exception user
    code raises; EndedByUserCode for what is none, as SystemExit: no script ends with 0 before.
    """
    merge_with_job = partial(
        merge,
        batch_size=batch_size,
        max_batches=max_batches,
        checkpoint_interval=checkpoint_interval,
        dataloader_kwargs=dataloader_kwargs,
        max_in_flight=max_in_flight,
    )
    refuse_call_of_starting_child("torch_batch_process")
    with nullcontext() if is_interactive() else counted_in_exit_code(), _the_only_call():
        call = _Call(AttemptState.begin(os.environ))
        call.run(batch_processor_cls, dataset, distributed_context, merge_with_job)


@contextmanager
def _the_only_call() -> Iterator[None]:
    """Refuse another call beside one that runs, and behind one unless a person asks for both.

    A script that goes on with the next dataset would start again with the first after a restart.
    """
    by_person = is_interactive() and not is_worker(os.environ)
    if _called.is_set() and not by_person:
        raise RuntimeError(
            "torch_batch_process may be called once per process: give each dataset a script of its "
            "own (in an interactive session it may be called again)"
        )
    if not _running.acquire(blocking=False):
        raise RuntimeError("torch_batch_process is at work in this process: call it once it is not")
    _called.set()
    try:
        yield
    finally:
        _running.release()


@dataclass
class _Call:
    """The one call of this process, with what was made in it so far: reports of a failure ask."""

    state: AttemptState
    assembly: AttemptAssembly | None = None
    attempt: Attempt | None = None
    handlers: ExitStack = field(default_factory=ExitStack)
    code: ExitCode = ExitCode.OTHER

    def run(
        self,
        processor_class: type[TorchBatchProcessor],
        dataset: Any,
        context: DistributedContext | None,
        merge_with_job: Callable[[WorkerEnvironment], Settings],
    ) -> None:
        """As `process`, with every end of it reported to whoever waits for it."""
        try:
            self.process(processor_class, dataset, context, merge_with_job)
            self.code = ExitCode.SEALED
        except Stopped as stop:
            self.code = ExitCode.STOPPED
            self.state.link.report_outcome(ExitCode.STOPPED, str(stop))
            raise SystemExit(int(ExitCode.STOPPED)) from None
        except BaseException as error:
            if self.state.link.in_forked_child:
                raise
            if is_of_person(error, self.state.loop, alone=not self.state.link.connected):
                raise
            self.report_failure(error)
            if isinstance(error, Exception):
                raise
            raise self.ended_by(error) from error
        finally:
            self.end()

    def process(
        self,
        processor_class: type[TorchBatchProcessor],
        dataset: Any,
        context: DistributedContext | None,
        merge_with_job: Callable[[WorkerEnvironment], Settings],
    ) -> None:
        """Returns once the shard is sealed, or ends the process if another answer was asked for."""
        state = self.state
        placement = find_placement(os.environ, context, main_script())
        state.where.shard = state.loop.shard = placement.shard
        if placement.alone:
            log_to_stderr()
        settings = merge_with_job(placement.environment)
        self.assembly = AttemptAssembly(processor_class, dataset, settings, placement)
        if placement.environment.role == "worker":  # the finalizer reads no rows
            # Who asks for a plan begins no run.
            asked = DryRunQuestion.from_env(os.environ)
            self.assembly.start_processes(state.link.report_indexing if asked is None else None)
            state.link.send_beat()  # from now on the start counts
        state.link.start_threads()
        if placement.alone:
            self.handlers.enter_context(stop_on_signals(state.loop))
        answer_if_asked(self.assembly, state)
        self.attempt = Attempt(self.assembly)
        with suppress(ShardSealed):  # by an earlier attempt: nothing is left to do
            self.attempt.run(state)

    def end(self) -> None:
        """Leave a session that goes on as it was before the call; a script must end by itself."""
        if self.state.link.in_forked_child:
            return
        self.handlers.close()
        if not is_interactive():
            end_soon_after_script(
                self.code, at_end=self.state.link.report_ending, tidy=self.remove_temporary_files
            )
        else:
            self.remove_temporary_files()

    def remove_temporary_files(self) -> None:
        """Those of the call, if it has come as far as to have some."""
        if self.assembly is not None:
            self.assembly.remove_temporary_files()

    def ended_by(self, error: BaseException) -> EndedByUserCode:
        """In place of what threads, frameworks and the interpreter take for no failure at all."""
        ended = EndedByUserCode(self.state.where.sentence(error))
        print_plainly_if_uncaught(ended, reported=self.state.link.connected)
        return ended

    def report_failure(self, error: BaseException) -> None:
        """To the agent, in the run, and to whoever reads stderr; a commit under way is awaited."""
        where, link = self.state.where, self.state.link
        code, sentence = exit_code_of(error, where), where.sentence(error)
        request = request_of(error)
        if request is not None:
            link.send(request)
        elif self.assembly is not None and code == ExitCode.USER_CODE:
            made = self.assembly
            job = made.placement.environment
            code, sentence = leave_failure_note(error, where, made.nonce, made.storage, job)
        link.report_outcome(code, sentence)
        print_failure(code, sentence, ours=isinstance(error, BatchProcessError))
        if isinstance(error, Exception) and not link.connected:  # nobody prints the sentence
            where.note_place(error)
        print_plainly_if_uncaught(error, reported=link.connected)
        if self.attempt is not None:
            self.attempt.await_after_failure(error)
