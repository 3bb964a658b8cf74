"""`python -m batchprocess.agent [--finalize | --plan] -- <command>`: the command of our containers.

Settings come from BATCHPROCESS_* variables (`protocol/environment.py`). Exit codes:
`protocol/exit_codes.py`.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from batchprocess.agent.termination_file import one_line, replace_in_place
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.run import Summary
from batchprocess.protocol.termination import Result, Termination
from batchprocess.stop_signals import handled_by

_USAGE = "usage: python -m batchprocess.agent [--finalize | --plan] -- <command> [argument ...]"


def main(arguments: Sequence[str]) -> int:
    """Run as worker, as finalizer, or to plan; returns the exit code."""
    flags, command = _split(arguments)
    if not command or flags not in ([], ["--finalize"], ["--plan"]):
        print(_USAGE, file=sys.stderr)
        return ExitCode.USAGE
    try:
        environment = WorkerEnvironment.from_env(os.environ)
    except BatchProcessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if flags == ["--plan"]:
        from batchprocess.agent.plan_step import plan

        return plan(environment, command, os.environ)
    if flags or environment.role == "finalize":
        return _finalize(environment, command)
    from batchprocess.agent.pod.agent import Agent

    return Agent(environment, command, os.environ).run()


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return list(arguments), []
    at = list(arguments).index("--")
    return list(arguments[:at]), list(arguments[at + 1 :])


def _finalize(environment: WorkerEnvironment, command: Sequence[str]) -> int:
    from batchprocess.agent.finalizer import Finalizer

    finalizer = Finalizer(environment, command, os.environ)
    with handled_by(lambda *_: finalizer.stop()):
        code, sentence, summary = finalizer.run()
    message = one_line(sentence)
    said = Termination(
        code=code, message=message, result=_result_of(summary), source=finalizer.source
    )
    _write_termination(environment, said)
    print(message, file=sys.stderr, flush=True)
    return code


def _result_of(summary: Summary | None) -> Result | None:
    if summary is None:
        return None
    return Result(
        rows=summary.rows,
        batches=summary.batches,
        failed_shards=len(summary.failedShards),
        attempts=summary.attempts,
        metrics=summary.metrics,
        metrics_error=summary.metricsError,
        bad_rows=summary.badRows,
    )


def _write_termination(environment: WorkerEnvironment, termination: Termination) -> None:
    if environment.termination_log is None:
        return
    try:
        replace_in_place(Path(environment.termination_log), termination.encode())
    except OSError as error:
        print(f"agent: no termination message was written: {error}", file=sys.stderr)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads may still wait for a dead store; the code is decided.
    os._exit(status)
