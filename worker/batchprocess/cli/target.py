"""What a command works on: from a job file, run folder or job folder to an open storage."""

import os
from dataclasses import dataclass
from pathlib import Path

from batchprocess.api.environment import s3_settings
from batchprocess.api.job import BatchProcessJob
from batchprocess.api.load import load_job
from batchprocess.api.text import MAX_BYTES
from batchprocess.ledger.local_runs import latest_run
from batchprocess.ledger.perform import perform
from batchprocess.ledger.run import read_run
from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.run import RunInfo
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage, refuse_typo

DEFAULT_OUTPUT = "batchprocess-runs"


@dataclass(frozen=True)
class Target:
    """A run folder that exists, and its run.json."""

    storage: Storage
    run: RunInfo

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.storage.uri.rstrip("/").rpartition("/")[2]


def read_job(path: Path) -> BatchProcessJob:
    """The job in a file; InvalidArgument if it cannot be read."""
    try:
        with path.open("rb") as file:
            # One byte more than a job may have: a data file given by mistake is not read whole.
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InvalidArgument(f"{path} is larger than {MAX_BYTES} bytes: is it a job?")
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{path} is no job file: it is not UTF-8 text ({error})") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidArgument(f"{path} cannot be read as a job file: {reason}") from error
    return load_job(text, str(path))


def job_uri(job: BatchProcessJob, path: Path) -> str:
    """The job's folder: `<uri>/<job name>`; relative paths begin at the job file's folder."""
    uri = job.spec.output.uri or DEFAULT_OUTPUT
    refuse_typo(uri)
    root = uri if "://" in uri else str(path.absolute().parent / _expanded(uri))
    return f"{root.rstrip('/')}/{job.metadata.name}"


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InvalidArgument(f"output.uri {path!r}: {error}") from error


def find_target(target: str) -> Target:
    """The run that TARGET means. Raises InvalidArgument if there is none."""
    if "://" not in target and Path(target).is_file():
        path = Path(target)
        job = read_job(path)
        return _run_of_job(job_uri(job, path), s3_settings(job), job.spec.run_id)
    storage = open_storage(target.rstrip("/"))
    run = perform(read_run(), storage)
    if run is not None:
        return Target(storage, run)
    return _run_of_job(target.rstrip("/"), S3Settings(), None)


def _run_of_job(uri: str, s3: S3Settings, pinned: str | None) -> Target:
    folder = open_storage(uri, s3)
    run_id = pinned or latest_run(folder)
    if run_id is None:
        raise InvalidArgument(f"{uri} has no run: it is neither a run folder nor a job's folder")
    storage = folder.at(run_id)
    run = perform(read_run(), storage)
    if run is None:
        raise InvalidArgument(f"run {run_id} at {uri} has not begun: it has no run.json")
    return Target(storage, run)
