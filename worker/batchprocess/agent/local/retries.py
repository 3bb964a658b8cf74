"""What follows from an agent's exit code, as a Job's podFailurePolicy would have it. Pure."""

from dataclasses import dataclass, field

from batchprocess.protocol.exit_codes import ExitCode, combine

FAILS_RUN = {*(ExitCode.CANNOT_WORK, ExitCode.FENCED, ExitCode.STORAGE, ExitCode.TOO_MANY_BAD_ROWS)}
"""Locally 87 means another `run` took over, and a dead store would fail every retry alike."""
RETRY_SECONDS = 2.0
FAILS_WORKER = {ExitCode.NO_PROGRESS, ExitCode.CLOSED}


@dataclass
class Tally:
    """Which workers are still to do, which have failed for good, and why the run must end."""

    workers: int
    retries: int
    fail_on_user_code: bool = False
    todo: list[int] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=dict)
    failed: dict[int, tuple[int, str]] = field(default_factory=dict)
    unclaimed: dict[int, str | None] = field(default_factory=dict)
    fatal: tuple[int, str] | None = None
    not_before: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.todo = list(range(self.workers))

    @property
    def over(self) -> bool:
        """Nothing new may start."""
        return self.fatal is not None

    def take(self, now: float) -> int | None:
        """The next worker to start at `now`, in seconds of one clock; None if none is due."""
        due = (index for index in self.todo if self.not_before.get(index, now) <= now)
        index = next(due, None)
        if index is not None:
            self.todo.remove(index)
        return index

    def ended(
        self, index: int, code: int, message: str, *, claimed: bool = True, now: float = 0
    ) -> None:
        """Worker `index` ended with `code` at `now`: done, failed, or to be tried again.

        Who ends twice with the same message before it has claimed a shard would do so again: all
        tries are on this very machine. An error of user code is tried again after a while: the same
        one then ends its shard, so what passes must have had the time to.
        """
        if code == ExitCode.SEALED:
            return
        if code == ExitCode.USER_CODE:
            self.not_before[index] = now + RETRY_SECONDS
        if code in FAILS_RUN:
            self.fatal = self.fatal or (code, message)
        elif code == ExitCode.STOPPED:
            # Somebody else asked it to stop; that is no failure of the shard.
            if not self.over:
                self.todo.append(index)
        else:
            same = not claimed and self.unclaimed.get(index) == message
            self._failed(index, code, message, hopeless=same and code == ExitCode.OTHER)
            self.unclaimed[index] = None if claimed else message

    def next_try(self, index: int) -> str | None:
        """Which try of a failed worker comes next, as `2 of 4`; None if there is none."""
        failures = self.failures.get(index, 0)
        if not failures or index not in self.todo:
            return None
        return f"{failures + 1} of {self.retries + 1}"

    def worst(self) -> tuple[int, str]:
        """Exit code and sentence of the run."""
        if self.fatal is not None:
            return self.fatal
        code = combine(code for code, _ in self.failed.values())
        return code, next(text for one, text in self.failed.values() if one == code)

    def _failed(self, index: int, code: int, message: str, *, hopeless: bool) -> None:
        self.failures[index] = self.failures.get(index, 0) + 1
        final = hopeless or code in FAILS_WORKER
        final = final or (code == ExitCode.USER_CODE and self.fail_on_user_code)
        if final or self.failures[index] > self.retries:
            self.failed[index] = (code, message)
        else:
            self.todo.append(index)
