"""What a command works on: from a job file, run folder or job folder to an open storage."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from batchprocess.api.environment import s3_settings
from batchprocess.api.job import BatchProcessJob
from batchprocess.api.load_yaml import load_job
from batchprocess.api.yaml_text import MAX_BYTES
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.results import find_run
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage, refuse_typo

DEFAULT_OUTPUT = "batchprocess-runs"


@dataclass(frozen=True)
class Target:
    """A run folder that exists, and its run.json. `loaders`: what a job file says of them."""

    storage: Storage
    run: RunInfo
    loaders: int | None = None

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.storage.uri.rstrip("/").rpartition("/")[2]


def read_job(path: Path) -> BatchProcessJob:
    """The job in a file; InvalidArgument if it cannot be read, a usage error if it is none."""
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder: this command takes a job file")
    if not path.exists():
        raise click.UsageError(f"{path} does not exist")
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


def loaders_of(job: BatchProcessJob) -> int | None:
    """Loader processes of each worker; None where only the job's script can say."""
    told = job.spec.dataloader.num_workers
    return 0 if told is None and not job.spec.command else told


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InvalidArgument(f"output.uri {path!r}: {error}") from error


def find_target(target: str) -> Target:
    """The run that TARGET means. Raises InvalidArgument if there is none, or a usage error."""
    if "://" not in target and Path(target).is_file():
        path = Path(target)
        job = read_job(path)
        folder = open_storage(job_uri(job, path), s3_settings(job))
        return Target(*find_run(folder, job.spec.run_id), loaders_of(job))
    if "://" not in target and not Path(target).exists():
        raise click.UsageError(f"{target} does not exist")
    return Target(*find_run(open_storage(target.rstrip("/") or target)))
