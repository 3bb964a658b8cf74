"""What a command works on: TARGET is a job file, a run folder or a job folder."""

from dataclasses import dataclass
from pathlib import Path

import click

from batchprocess.api.environment import s3_settings
from batchprocess.cli.job_file import job_uri, loaders_of, read_job
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.results import find_run
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage


@dataclass(frozen=True)
class Folder:
    """Of a job or a run. `pinned`: the run that a job file names; `loaders`: see `loaders_of`."""

    storage: Storage
    pinned: str | None = None
    loaders: int | None = None


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


def open_folder(target: str) -> Folder:
    """The folder that TARGET means, of a job or of a run; a usage error if nothing is there."""
    path = Path(target)
    if "://" not in target and path.is_file():
        job = read_job(path)
        storage = open_storage(job_uri(job, path), s3_settings(job))
        return Folder(storage, job.spec.run_id, loaders_of(job))
    if "://" not in target and not path.exists():
        raise click.UsageError(f"{target} does not exist")
    return Folder(open_storage(target.rstrip("/") or target))


def find_target(target: str) -> Target:
    """The run that TARGET means. Raises InvalidArgument if there is none, or a usage error."""
    folder = open_folder(target)
    return Target(*find_run(folder.storage, folder.pinned), folder.loaders)
