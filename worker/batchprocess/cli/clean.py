"""`batchprocess clean`."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from batchprocess.api.environment import s3_settings
from batchprocess.cli.main import print_json
from batchprocess.cli.target import job_uri, read_job
from batchprocess.ledger.local_runs import is_complete, latest_run
from batchprocess.ledger.perform import perform
from batchprocess.ledger.run import read_run
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage

_UPLOAD_AGE = timedelta(days=1)
"""Younger multipart uploads may still be under way."""


def clean_job(target: str, *, yes: bool, as_json: bool) -> int:
    """Remove abandoned runs after asking; returns the exit code."""
    folder = _job_folder(target)
    abandoned = [name for name in folder.folders() if is_abandoned(folder, name)]
    removed = 0
    if abandoned and not as_json:
        print(f"abandoned runs at {folder.uri}: {', '.join(abandoned)}", file=sys.stderr)
    if abandoned and (yes or (not as_json and click.confirm("remove them?", err=True))):
        removed = sum(_remove(folder.at(name)) for name in abandoned)
    abort = getattr(folder, "abort_uploads", None)
    uploads = abort(older_than=_UPLOAD_AGE, now=datetime.now(UTC)) if abort and yes else ()
    if as_json:
        print_json({"abandoned": abandoned, "removedObjects": removed, "uploads": list(uploads)})
    else:
        print(f"removed {removed} objects and {len(uploads)} unfinished uploads")
    return 0


def is_abandoned(folder: Storage, name: str) -> bool:
    """A run that has begun, is not complete, and is not the latest."""
    run = folder.at(name)
    if perform(read_run(), run) is None or name == latest_run(folder):
        return False
    return not is_complete(run)


def _job_folder(target: str) -> Storage:
    if "://" not in target and Path(target).is_file():
        job = read_job(Path(target))
        return open_storage(job_uri(job, Path(target)), s3_settings(job))
    return open_storage(target.rstrip("/"))


def _remove(run: Storage) -> int:
    """Delete run.json last: until then the run is found, and this can be repeated."""
    keys = [item.key for item in run.list() if item.key != "run.json"]
    for key in [*keys, "run.json"]:
        run.delete(key)
    return len(keys) + 1
