"""In a pod that plans: try the address of the outputs, then become the job's code, which counts."""

import os
import sys
from collections.abc import Mapping, Sequence

from batchprocess.agent.processes import resolve, start_failure
from batchprocess.protocol.dry_run import DryRunFailure
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError, StorageError
from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.factory import open_storage

_BRIEF = Patience(3, refusal_is_final=True)
_UNUSABLE = "the storage cannot be used from the pod"


def plan(environment: WorkerEnvironment, command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Does not return if all is well; else the exit code, and the failure is the last line."""
    job_folder = environment.run_uri.rstrip("/").rpartition("/")[0]
    try:
        folder = open_storage(job_folder, environment.s3)
        retry_until_known(folder.check_access, _BRIEF)
    except BatchProcessError as error:
        said = f"{_UNUSABLE}: {error}" if isinstance(error, StorageError) else str(error)
        return _fail(said, error.exit_code)
    sys.stdout.flush()
    try:
        os.execvpe(*_program(command), dict(environ))  # noqa: S606  the command is the job's own
    except OSError as error:
        code, said = start_failure(command, error)
        return _fail(said, code)


def _program(command: Sequence[str]) -> tuple[str, list[str]]:
    words = list(resolve(command))
    return words[0], words


def _fail(sentence: str, code: int) -> int:
    print(f"\n{DryRunFailure(failed=sentence, code=code, ours=True).encode()}", flush=True)
    return code
