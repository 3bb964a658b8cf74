"""How a child ended: exit code and sentence, from storage, its own outcome and its status. Pure."""

import signal
from collections.abc import Sequence

from batchprocess.agent.pod.child_watch import SealSeen, Watch
from batchprocess.agent.termination_file import one_line
from batchprocess.protocol.bad_rows.isolation import MAX_PROCESSES, Isolate
from batchprocess.protocol.exit_codes import ExitCode, combine
from batchprocess.protocol.rows.dataset_rows import said
from batchprocess.protocol.variables import PROGRESS_FD

ABANDONED = (
    f"whoever reads {PROGRESS_FD} is gone, and with it who started this worker: its processes were "
    "killed, what they had committed stays"
)

UNREACHED = "before it called torch_batch_process"
"""Ends a sentence where the command's own output is all that is known of its end."""


_STANDS_THOUGH_STOPPED = frozenset(
    {ExitCode.FENCED, ExitCode.CANNOT_WORK, ExitCode.TOO_MANY_BAD_ROWS}
)


def conclude(watch: Watch, status: int, seal: SealSeen, *, stopping: bool) -> None:
    """The process ended with `status` (negative: by a signal); `seal` is what storage says."""
    watch.cursor = max(watch.cursor, seal.cursor)
    if seal.outcome == "complete":
        watch.total = watch.cursor
    watch.code, watch.sentence = verdict(watch, status, seal, stopping=stopping)
    watch.sealed = watch.code == ExitCode.SEALED


def goes_on(watch: Watch, seal: SealSeen, *, stopping: bool) -> bool:
    """Whether the process that it has asked for is to be started after it.

    Its own end is no end of the shard then. Whoever has asked too often is judged by what it said.
    """
    alive = not (stopping or watch.stop_asked) and watch.killed in (None, "lingering")
    open_still = seal.outcome in ("none", "unreadable")
    few = watch.without_commit < MAX_PROCESSES
    return watch.request is not None and alive and open_still and few


def goes_on_sentence(watch: Watch, order: Isolate) -> str:
    """For the log: why another process is started."""
    bad = len(order.bad)
    known = f"; {bad} {'row of it is' if bad == 1 else 'rows of it are'} bad" if bad else ""
    tries = "looks for more" if bad else "tries its rows alone"
    goes_on = "goes on without" if bad else "processes it again"
    does = tries if order.step == "try" else goes_on
    return one_line(
        f"batch {order.batch} of shard {watch.shard} has raised {order.error.type}: "
        f"{order.error.message}{known}; another process {does}"
    )


def conclude_all(watches: Sequence[Watch]) -> tuple[int, str]:
    """Exit code and sentence of a pod whose children have all been concluded."""
    code = combine(watch.code or 0 for watch in watches)
    # Compared as combined: a code that a pod never ends with, as 93, counts as another.
    worst = [one.sentence for one in watches if combine([one.code or 0]) == code]
    return code, one_line(worst[0] if worst else "no shard is left for this worker")


def verdict(watch: Watch, status: int, seal: SealSeen, *, stopping: bool) -> tuple[int, str]:
    """Exit code and sentence of one child (docs/protocol.md, "How a child's end is judged").

    What storage says of the seal comes before everything that the process says or does.
    """
    shard = watch.shard
    if seal.outcome == "complete":
        return ExitCode.SEALED, f"shard {shard} is complete"
    if seal.outcome == "abandoned":
        return ExitCode.CLOSED, (
            f"shard {shard} was closed as failed at batch {watch.cursor}; start another run"
        )
    if seal.outcome == "unreadable" and (watch.sealed or status == 0):
        return ExitCode.STORAGE, f"the seal of shard {shard} could not be read back"
    if watch.killed == "stalled":
        return ExitCode.STALLED, _stall_sentence(watch)
    outcome = watch.outcome
    # Nobody comes after it then.
    asked = watch.stop_asked and watch.request is not None
    if stopping or asked or watch.killed in ("stopped", "sibling"):
        if outcome is not None and outcome.code in _STANDS_THOUGH_STOPPED:
            return outcome.code, outcome.message
        return ExitCode.STOPPED, _stop_sentence(watch)
    if status < 0 and watch.killed != "lingering":
        return 128 - status, _signal_sentence(watch, -status)
    if outcome is not None:
        return outcome.code, outcome.message
    return _without_outcome(watch, status, begun=seal.begun)


_UNCAUGHT = (1, 2)
"""How Python ends by an exception that nobody catches, or without having found the script."""


def _without_outcome(watch: Watch, status: int, *, begun: bool) -> tuple[int, str]:
    shard = watch.shard
    if watch.killed == "lingering":
        return ExitCode.OTHER, f"the script of shard {shard} has ended without sealing it"
    if status > 128 and status - 128 in {int(one) for one in signal.Signals}:
        # A shell between us and the process turns a death by signal into this code.
        return status, _signal_sentence(watch, status - 128)
    hints = {126: " (not executable)", 127: " (command not found?)"}
    text = f"the command ended with exit code {status}{hints.get(status, '')}"
    if watch.pid is None and status != 0:
        # No import error and no missing script passes by itself; later another node may differ.
        never = status in _UNCAUGHT and not begun
        why = "" if watch.missing is None else f": {watch.missing} does not exist"
        return ExitCode.CANNOT_WORK if never else ExitCode.OTHER, f"{text} {UNREACHED}{why}"
    if watch.claim_seq:
        # Nobody but user code, or a library of its, ends a process without a word in the middle.
        at = max(watch.processed, watch.cursor)
        return ExitCode.USER_CODE, (
            f"{text} without sealing shard {shard}, in batch {at} or soon after: user code has "
            "ended the process (os._exit, or exit in a library)"
        )
    return (
        ExitCode.OTHER,
        f"{text} without sealing shard {shard}: does it call torch_batch_process?",
    )


def _stop_sentence(watch: Watch) -> str:
    if watch.cursor:
        return f"shard {watch.shard} was stopped at batch {watch.cursor}, committed"
    so_far = "committed" if watch.processed else "processed"
    return f"shard {watch.shard} was stopped before anything had been {so_far}"


def _stall_sentence(watch: Watch) -> str:
    stacks = "" if watch.dump_signal is None else "; its stacks are in the log above"
    place = "before its first batch" if watch.phase == "starting" else f"in phase {watch.phase}"
    return (
        f"shard {watch.shard} stood still for too long {place} ({watch.stall}: raise it if the "
        f"work takes longer){stacks}"
    )


def _signal_sentence(watch: Watch, number: int) -> str:
    name = signal.Signals(number).name
    hint = {
        "SIGKILL": ": out of memory?",
        "SIGSEGV": ": crash in native code, or a stack overflow",
        "SIGABRT": ": native code gave up",
        "SIGBUS": ": is /dev/shm full?",
    }.get(name, "")
    return f"the process of shard {watch.shard} was killed by {name}{hint}{_batches_in_work(watch)}"


def _batches_in_work(watch: Watch) -> str:
    """Of a process that died without a word: what it may have died of, and how to know better."""
    if not watch.claim_seq:
        return ""
    at = max(watch.processed, watch.cursor)
    committed = f"batches before {watch.cursor} are committed" if watch.cursor else "none committed"
    return (
        f" (in batch {at} or soon after, {committed}: with checkpointInterval 1 the next death is "
        f"behind the batch that is committed last{_rows_in(watch, at)})"
    )


def _rows_in(watch: Watch, batch: int) -> str:
    """Numbers by which a person can have rows left out."""
    if watch.run is None or watch.first_row is None:
        return ""
    first = watch.first_row + batch * watch.run.batch_size
    rows = range(first, min(first + watch.run.batch_size, watch.run.rows))
    return f"; batch {batch} has {said(rows)}, of which rows.skip leaves out some" if rows else ""
