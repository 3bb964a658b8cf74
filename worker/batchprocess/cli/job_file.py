"""A job file on this machine: the job in it, and what only its place or its command tells."""

import os
import sys
from pathlib import Path

import click

from batchprocess.agent.local.gpus import visible_gpus
from batchprocess.api.job import BatchProcessJob
from batchprocess.api.load_yaml import load_job
from batchprocess.api.yaml_text import MAX_BYTES
from batchprocess.cli.rows.options import RowOptions
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.file_names import DEFAULT_OUTPUT
from batchprocess.storage.factory import refuse_unknown

_IGNORED = (
    "image",
    "source",
    "finalizer",
    "queue_name",
    "elastic",
    "suspend",
    "retry",
    "ttl_seconds_after_finished",
    "notify",
)


def read_job(path: Path, options: RowOptions | None = None) -> BatchProcessJob:
    """The job in a file; InvalidArgument if it cannot be read, a usage error if it is none."""
    job = _read_job(path)
    return job if options is None else options.applied_to(job)


def _read_job(path: Path) -> BatchProcessJob:
    return load_job(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a job file; InvalidArgument if it is none, a usage error if it is not there."""
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder: this command takes a job file")
    if str(path).startswith("s3:/"):
        raise click.UsageError("this command takes a job file, on this machine, and no address")
    if not path.exists():
        raise click.UsageError(f"{path} does not exist")
    try:
        with path.open("rb") as file:
            # One byte more than a job may have: a data file given by mistake is not read whole.
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InvalidArgument(f"{path} is larger than {MAX_BYTES} bytes: is it a job?")
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{path} is no job file: it is not UTF-8 text ({error})") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidArgument(f"{path} cannot be read as a job file: {reason}") from error


def job_uri(job: BatchProcessJob, path: Path) -> str:
    """The job's folder: `<uri>/<job name>`; relative paths begin at the job file's folder."""
    uri = job.spec.output.uri or DEFAULT_OUTPUT
    refuse_unknown(uri)
    root = uri if "://" in uri else str(path.absolute().parent / _expanded(uri))
    return f"{root.rstrip('/')}/{job.metadata.name}"


def loaders_of(job: BatchProcessJob) -> int | None:
    """Loader processes of each worker; None where only the job's script can say."""
    given = job.spec.dataloader.num_workers
    return 0 if given is None and not job.spec.command else given


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InvalidArgument(f"output.uri {path!r}: {error}") from error


def warn_of_ignored(job: BatchProcessJob) -> None:
    """Name, in one line, what only means something on a cluster; and GPUs that are not here."""
    aliases = {name: field.alias for name, field in type(job.spec).model_fields.items()}
    given = [str(aliases[name]) for name in _IGNORED if name in job.spec.model_fields_set]
    if given:
        print(f"ignored on this machine: {', '.join(given)}", file=sys.stderr)
    gpus = job.spec.worker.gpus
    if gpus and not visible_gpus(os.environ, Path("/dev")):
        print(f"worker.gpus is {gpus}, but no GPU is here: the CPU is used", file=sys.stderr)


def command_of(job: BatchProcessJob) -> tuple[str, ...]:
    """The script, or our own entry point for processor and dataset."""
    return tuple(job.spec.command) or (sys.executable, "-m", "batchprocess.sdk")
