"""A job on one machine: agents as a cluster's pods would be, retries, then the finalizer."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from batchprocess.agent.local.agent_process import AgentProcess
from batchprocess.agent.local.agents import FINALIZER, AgentProcesses
from batchprocess.agent.local.gpus import share, visible_gpus
from batchprocess.agent.local.local_run import LocalResult, LocalRun, RunProgress, State, View
from batchprocess.agent.local.retries import Tally
from batchprocess.agent.local.shards_seen import ShardsSeen
from batchprocess.agent.pod.verdict import UNREACHED
from batchprocess.ledger.finalize import finished
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.run import Summary
from batchprocess.protocol.termination import Termination
from batchprocess.protocol.variables import INDEX, PREFIX, ROLE
from batchprocess.runs.local_runs import read_standing
from batchprocess.runs.perform import perform
from batchprocess.runs.scratch_folder import Scratch, scratch
from batchprocess.stop_signals import handled_by
from batchprocess.storage.factory import open_storage


def run_local(run: LocalRun, view: View) -> LocalResult:
    """Run every shard, retrying as a Job would, then finalize. Ctrl-C commits and stops."""
    with scratch() as temporary:
        runner = _Runner(run, view, temporary)
        with handled_by(runner.interrupt):
            return runner.run()


class _Runner:
    def __init__(self, run: LocalRun, view: View, temporary: Scratch) -> None:
        self._run, self._view = run, view
        self._shards = ShardsSeen(run.known, run.shape)
        self._environment = run.environment.model_copy(update={"shard_list": _open_shards(run)})
        self._tally = Tally(
            workers=self._environment.workers,
            retries=run.environment.max_retries_per_shard,
            fail_on_user_code=run.on_batch_error == "fail",
        )
        self._storage = open_storage(run.environment.run_uri, run.environment.s3)
        self._gpus = visible_gpus(os.environ, Path("/dev")) if run.environment.gpus else []
        self._slots = list(range(self._count_slots()))
        self._agents = AgentProcesses(
            run.command, run.directory, temporary, view.note, self._shards.report
        )
        self._live: dict[int, AgentProcess] = {}
        self._slot_of: dict[int, int] = {}
        self.interrupts = 0
        self._interrupts_passed_on = 0

    def interrupt(self, number: int, _frame: object) -> None:
        """A signal to stop has come. A closed terminal sends SIGHUP twice, and means it once."""
        if number != signal.SIGHUP or not self.interrupts:
            self.interrupts += 1

    def _failed_shards(self) -> tuple[int, ...]:
        """Shards of failed workers that are not sealed all the same."""
        return self._shards.unsealed(self._shards_of(self._tally.failed))

    def _shards_of(self, workers: Iterable[int]) -> Iterable[int]:
        return (n for i in workers for n in self._environment.shards_of_worker(i))

    def _count_slots(self) -> int:
        wanted = min(self._run.parallelism, self._environment.workers)
        if not self._gpus:
            return wanted
        return max(1, min(wanted, len(self._gpus) // self._environment.gpus))

    def run(self) -> LocalResult:
        """Everything; returns when no process of ours is left."""
        while self._live or (not self._tally.over and not self.interrupts and self._tally.todo):
            self._fill()
            self._agents.read_output()
            self._pass_interrupts()
            self._reap()
            self._show()
        if self.interrupts or self._tally.fatal is not None:
            return self._ended()
        failed, allowed = len(self._failed_shards()), self._environment.max_failed_shards
        if failed and (allowed is None or failed > allowed):
            return self._ended()
        return self._finalize()

    def _fill(self) -> None:
        while self._slots and not self._tally.over and not self.interrupts:
            index = self._tally.take(time.monotonic())
            if index is None:
                return
            slot = self._slots.pop(0)
            self._slot_of[index] = slot
            environ = self._environ(index, slot)
            self._live[index] = self._agents.start(index, self._environment, environ)

    def _environ(self, index: int, slot: int) -> dict[str, str]:
        devices = share(self._gpus, slot, self._environment.gpus)
        gpus = {"CUDA_VISIBLE_DEVICES": devices} if devices else {}
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return {**own, **gpus, INDEX: str(index)}

    def _pass_interrupts(self) -> None:
        if self.interrupts <= self._interrupts_passed_on:
            return
        self._interrupts_passed_on = self.interrupts
        if self.interrupts == 1:
            self._view.note("stopping: each shard commits its running batch; again to kill")
        # An agent that dies takes its children along: their control sockets close.
        self._signal_all(signal.SIGTERM if self.interrupts == 1 else signal.SIGKILL)

    def _signal_all(self, number: int) -> None:
        for agent in self._live.values():
            agent.process.send_signal(number)

    def _reap(self) -> None:
        for agent in list(self._live.values()):
            status = agent.process.poll()
            if status is None:
                continue
            self._agents.read_rest(agent)
            del self._live[agent.index]
            self._slots.append(self._slot_of.pop(agent.index))
            last = agent.termination()
            self._shards.end(last.shards)
            if not self.interrupts:
                self._count(agent, _exit_code(status), last)
            if self._tally.fatal is not None:
                self._signal_all(signal.SIGTERM)

    def _count(self, agent: AgentProcess, code: int, last: Termination) -> None:
        message = last.message or f"{agent.name}: {agent.how_it_ended()}"
        if message.endswith(UNREACHED):
            message += f": {agent.last_line_besides(last.message) or 'it said nothing'}"
        claimed = any(end.seq > 0 for end in last.shards)
        self._tally.ended(agent.index, code, message, claimed=claimed, now=time.monotonic())
        next_try = self._tally.next_try(agent.index)
        if next_try is not None and code != ExitCode.SEALED:
            # Who could still speak has given the reason in its last line.
            why = "" if last.message else f": {agent.how_it_ended()}"
            self._view.note(f"{agent.name}: trying again ({next_try}){why}")

    def _show(self, *, finalizing: bool = False) -> None:
        total, failed = self._environment.shards, len(self._failed_shards())
        shards, shape = self._shards.progress, self._shards.shape
        begin = self._shards.not_begun(self._shards_of(self._live))
        wait = frozenset(self._shards.unsealed(self._shards_of(self._tally.todo)))
        self._view.update(RunProgress(shards, total, failed, shape, finalizing, begin, wait))

    def _ended(self) -> LocalResult:
        if self.interrupts:
            return self._result("stopped", ExitCode.STOPPED, "run it again to go on")
        code, message = self._tally.worst()
        if code == ExitCode.FENCED or (code == ExitCode.CANNOT_WORK and self._is_taken_over()):
            return self._result("taken over", ExitCode.FENCED, message)
        return self._result("failed", code, message)

    def _is_taken_over(self) -> bool:
        """Whether a younger job works on this run: on a cluster that fails a Job for good."""
        mine = self._environment.job
        heads = read_standing(self._storage, self._environment.shards).heads
        return any(head is not None and head.record.job > mine for head in heads)

    def _finalize(self) -> LocalResult:
        self._show(finalizing=True)
        environ = {**self._environ(0, 0), ROLE: "finalize"}
        told = self._run.environment.model_copy(update={"failed_shards": self._failed_shards()})
        agent = self._live[FINALIZER] = self._agents.start(FINALIZER, told, environ, ["--finalize"])
        while agent.process.poll() is None:
            self._agents.read_output()
            self._pass_interrupts()
        self._agents.read_rest(agent)
        code, last = agent.process.returncode, agent.termination()
        if self.interrupts:
            return self._result("stopped", ExitCode.STOPPED, "stopped while finalizing")
        if code != ExitCode.SEALED:
            return self._result("failed", _exit_code(code), last.message or "the finalizer died")
        summary = perform(finished(), self._storage)
        return self._result("complete", ExitCode.SEALED, last.message, summary)

    def _result(
        self, state: State, code: int, message: str, summary: Summary | None = None
    ) -> LocalResult:
        shards = self._shards
        failed = self._failed_shards()
        return LocalResult(state, code, message, summary, shards.ends, failed, shards.spent)


def _open_shards(run: LocalRun) -> tuple[int, ...] | None:
    sealed = {one.shard for one in run.known if one.sealed}
    return tuple(n for n in range(run.environment.shards) if n not in sealed) if sealed else None


def _exit_code(status: int) -> int:
    """As a shell gives it, for a process that ended with `status`, negative by a signal."""
    return status if status >= 0 else 128 - status
