"""`batchprocess clean`."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import click

from batchprocess.cli.commands.clean_tables import belongs_to_others, strays_in
from batchprocess.cli.output import plural, print_json
from batchprocess.cli.target import open_folder
from batchprocess.ledger.run import read_run
from batchprocess.protocol.errors import (
    InvalidArgument,
    StorageDenied,
    UnsafeStorage,
)
from batchprocess.protocol.file_names import place_of_record
from batchprocess.protocol.run import RUN_KEY, parse_time
from batchprocess.runs.local_runs import is_complete, latest_run, read_standing
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import ATTENDED, retry_until_known
from batchprocess.runs.perform import perform, perform_all
from batchprocess.storage.base import Storage

MIN_UPLOAD_AGE = timedelta(days=1)
"""Younger uploads may still be under way."""
MIN_RUN_AGE = timedelta(hours=1)
"""A run with a younger record may still be at work, on a cluster for instance."""
_NOBODY_KNOWS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    """Runs of a job by name: all, abandoned, perhaps at work; unfinished uploads of the others, and
    files of complete ones' tables that no record has."""

    runs: list[str]
    abandoned: list[str]
    active: list[str]
    uploads: dict[str, tuple[str, ...]]
    strays: dict[str, tuple[str, ...]]

    @property
    def keys(self) -> list[str]:
        """The uploads' keys below the job's folder."""
        return [f"{name}/{key}" for name, keys in self.uploads.items() for key in keys]

    @property
    def stray_keys(self) -> list[str]:
        """Keys of strays below the job's folder."""
        return [f"{name}/{key}" for name, keys in self.strays.items() for key in keys]


def clean_job(target: str, *, yes: bool, as_json: bool) -> int:
    """Remove abandoned runs and unfinished uploads after asking; returns the exit code."""
    given, now = open_folder(target), datetime.now(UTC)
    folder = given.storage
    found = find(folder, now, given.pinned)
    if not found.runs:
        _require_job_folder(folder)
    if found.active:
        print(
            f"left {plural(len(found.active), 'run')} with a record younger than 1 hour, which may "
            f"still go on: {', '.join(found.active)}",
            file=sys.stderr,
        )
    agreed = yes
    if not yes and not as_json and (found.abandoned or found.keys or found.strays):
        _print_found(folder, found)
        agreed = click.confirm("remove them?", err=True)
    objects = uploads = 0
    if agreed:
        objects = sum(_remove(folder.at(name), now) for name in found.abandoned)
        uploads = sum(_abort(folder.at(name), now) for name in found.uploads)
        for name, keys in found.strays.items():
            _delete(folder.at(name), set(keys))
            objects += len(keys)
    if as_json:
        counts = {"removedObjects": objects, "removedUploads": uploads}
        names = {"abandoned": found.abandoned, "younger": found.active, "uploads": found.keys}
        print_json({**names, "strays": found.stray_keys, **counts})
    else:
        removed = plural(objects, "object"), plural(uploads, "unfinished upload")
        print(f"removed {' and '.join(removed)}")
    return 0


def find(folder: Storage, now: datetime, pinned: str | None) -> Found:
    """Look only into folders that are runs: the rest of a bucket is somebody else's.

    The run with the youngest record counts as latest too: a cluster writes no `latest`, and its
    run may be suspended.
    """
    names = retry_until_known(lambda: list(folder.folders()))
    found = perform_all((read_run(f"{name}/{RUN_KEY}") for name in names), folder)
    runs = [name for name, run in zip(names, found, strict=True) if run is not None]
    ages = {name: now - _last_record(folder.at(name)) for name in runs}
    kept = {latest_run(folder), pinned, min(ages, key=ages.__getitem__, default=None)}
    left = [name for name in runs if name not in kept and not is_complete(folder.at(name))]
    abandoned = [name for name in left if ages[name] >= MIN_RUN_AGE]
    abandoned = [name for name in abandoned if not belongs_to_others(folder.at(name))]
    uploads = {name: _unfinished(folder.at(name), now) for name in runs if name not in abandoned}
    return Found(
        runs=runs,
        abandoned=abandoned,
        active=[name for name in left if ages[name] < MIN_RUN_AGE],
        uploads={name: keys for name, keys in uploads.items() if keys},
        strays={name: keys for name in runs if (keys := strays_in(folder.at(name)))},
    )


def _print_found(folder: Storage, found: Found) -> None:
    if found.abandoned:
        print(f"abandoned runs at {folder.uri}: {', '.join(found.abandoned)}", file=sys.stderr)
    if found.keys:
        print(f"unfinished uploads: {len(found.keys)}, {found.keys[0]} for one", file=sys.stderr)
    if strays := found.stray_keys:
        print(f"strays in tables: {len(strays)}, {strays[0]} for one", file=sys.stderr)


def _last_record(run: Storage) -> datetime:
    """When the newest record of any shard was made; a run without records is as old as can be.

    One whose time cannot be read may have been made just now, and so may one that stands behind a
    head: it has come since, or there is a lost one between them.
    """
    heads = read_standing(run, 0).heads
    times = [parse_time(head.record.at) or _NOBODY_KNOWS for head in heads if head is not None]
    if _goes_on(run, [0 if head is None else head.record.seq for head in heads]):
        times.append(_NOBODY_KNOWS)
    return max(times, default=datetime.min.replace(tzinfo=UTC))


def _goes_on(run: Storage, heads: list[int]) -> bool:
    """Whether a listing shows a record behind the last one of its shard."""
    listed = retry_until_known(lambda: [item.key for item in run.list("ledger/")])
    places = [place for key in listed if (place := place_of_record(key)) is not None]
    return any(shard < len(heads) and number > heads[shard] for shard, number in places)


def _unfinished(run: Storage, now: datetime) -> tuple[str, ...]:
    try:
        return retry_until_known(lambda: run.leftovers(before=now - MIN_UPLOAD_AGE))
    except (StorageDenied, UnsafeStorage) as error:
        # Who may not list uploads can still remove runs.
        print(f"unfinished uploads were not looked for: {error}", file=sys.stderr)
        return ()


def _require_job_folder(folder: Storage) -> None:
    """Raise InvalidArgument unless a job's run was meant to be here: an address may be mistyped."""
    if perform(read_run(), folder) is not None:
        job, _, run = folder.uri.rpartition("/")
        raise InvalidArgument(
            f"{folder.uri} is the folder of one run: clean takes the job's, {job}, and removes "
            f"{run} if it is abandoned"
        )
    if latest_run(folder) is None:
        raise InvalidArgument(
            f"there is no run at {folder.uri}: the job has not run yet, or this is not its folder"
        )


def _remove(run: Storage, now: datetime) -> int:
    """Delete run.json last: until then the run is found, and this can be repeated."""
    retry_until_known(lambda: run.remove_leftovers(before=now))
    removed: set[str] = set()
    # Listed until nothing new is shown: what a listing shows too late would never be found again.
    while (
        left := retry_until_known(lambda: {item.key for item in run.list()}) - removed - {RUN_KEY}
    ):
        _delete(run, left)
        removed |= left
    retry_until_known(partial(run.delete, RUN_KEY))
    return len(removed) + 1


def _delete(run: Storage, keys: set[str]) -> None:
    with Threads() as threads:
        patience = ATTENDED.until(threads.stopped)
        deletions = (partial(run.delete, key) for key in sorted(keys))
        for _ in threads.in_order(partial(retry_until_known, one, patience) for one in deletions):
            pass


def _abort(run: Storage, now: datetime) -> int:
    return len(retry_until_known(lambda: run.remove_leftovers(before=now - MIN_UPLOAD_AGE)))
