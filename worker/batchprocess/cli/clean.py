"""`batchprocess clean`."""

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from batchprocess.api.environment import s3_settings
from batchprocess.cli.main import print_json
from batchprocess.cli.target import job_uri, read_job
from batchprocess.ledger.local_runs import is_complete, latest_run, look
from batchprocess.ledger.perform import perform, settle
from batchprocess.ledger.run import read_run
from batchprocess.protocol.run import RUN_KEY
from batchprocess.storage.base import Storage
from batchprocess.storage.factory import open_storage

_UPLOAD_AGE = timedelta(days=1)
"""Younger multipart uploads may still be under way."""
_QUIET = timedelta(hours=1)
"""A run with a younger record may still be at work, on a cluster for instance."""


def clean_job(target: str, *, yes: bool, as_json: bool) -> int:
    """Remove abandoned runs after asking; returns the exit code."""
    folder, now = _job_folder(target), datetime.now(UTC)
    incomplete = settle(lambda: [n for n in folder.folders() if is_left_over(folder, n)])
    active = [name for name in incomplete if now - _last_record(folder.at(name)) < _QUIET]
    abandoned = [name for name in incomplete if name not in active]
    removed = 0
    if active:
        print(f"left, for they may still go on: {', '.join(active)}", file=sys.stderr)
    if abandoned and not as_json:
        print(f"abandoned runs at {folder.uri}: {', '.join(abandoned)}", file=sys.stderr)
    if abandoned and (yes or (not as_json and click.confirm("remove them?", err=True))):
        removed = sum(_remove(folder.at(name)) for name in abandoned)
    abort = getattr(folder, "abort_uploads", None)
    uploads = abort(older_than=_UPLOAD_AGE, now=now) if abort and yes else ()
    if as_json:
        print_json({"abandoned": abandoned, "removedObjects": removed, "uploads": list(uploads)})
    else:
        print(f"removed {removed} objects and {len(uploads)} unfinished uploads")
    return 0


def is_left_over(folder: Storage, name: str) -> bool:
    """A run that has begun, is not complete, and is not the latest."""
    run = folder.at(name)
    if perform(read_run(), run) is None or name == latest_run(folder):
        return False
    return not is_complete(run)


def _last_record(run: Storage) -> datetime:
    """When the newest record of any shard was made; a run without records is as old as can be."""
    times = [head.record.at for head in look(run, 0).heads if head is not None]
    return max(
        (datetime.fromisoformat(at) for at in times), default=datetime.min.replace(tzinfo=UTC)
    )


def _job_folder(target: str) -> Storage:
    if "://" not in target and Path(target).is_file():
        job = read_job(Path(target))
        return open_storage(job_uri(job, Path(target)), s3_settings(job))
    return open_storage(target.rstrip("/"))


def _remove(run: Storage) -> int:
    """Delete run.json last: until then the run is found, and this can be repeated."""
    keys = settle(lambda: [item.key for item in run.list() if item.key != RUN_KEY])
    for key in [*keys, RUN_KEY]:
        settle(partial(run.delete, key))
    return len(keys) + 1
