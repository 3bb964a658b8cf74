"""`batchprocess verify`."""

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from batchprocess.cli.commands.verify_files import known_rows, wrong_bad_rows, wrong_file
from batchprocess.cli.output import plural, print_json
from batchprocess.cli.target import Target, find_target
from batchprocess.ledger.documents import manifest_lines
from batchprocess.ledger.effects import Flow
from batchprocess.ledger.finalize import finished, read_success
from batchprocess.ledger.metrics import METRICS_PREFIX, is_metric_key, metric_lines
from batchprocess.ledger.read import ShardLedger, read_shard
from batchprocess.ledger.run import plan_of
from batchprocess.ledger.survey import problems_of
from batchprocess.ledger.tables.table_schemas import named_schemas, schema_problems
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.file_names import TABLES, is_data_key
from batchprocess.protocol.run import MANIFEST_KEY, SUCCESS_KEY, SUMMARY_KEY
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.runs.download import DOWNLOADS, sha256_of
from batchprocess.runs.kept_inputs import problems_of_inputs
from batchprocess.runs.parallel import Threads
from batchprocess.runs.patience import ATTENDED, Patience, retry_until_known
from batchprocess.runs.perform import perform, perform_each
from batchprocess.storage.base import Storage


@dataclass
class _Seen:
    """What is known of the ledgers that were read so far, in shard order."""

    problems: list[str] = field(default_factory=list)
    files: int = 0
    shards: int = 0
    rows: int = 0
    bad_rows: int = 0
    skipped: int = 0
    manifest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    metrics: dict[str, "hashlib._Hash"] = field(default_factory=dict)
    schemas: dict[str, dict[str, str]] = field(default_factory=dict)
    in_tables: set[int] = field(default_factory=set)
    """Hashes of the keys that are named, of which there may be a million."""

    def add(self, ledger: ShardLedger, problems: tuple[str, ...]) -> None:
        """Count one shard more."""
        self.problems += problems
        self.shards += 1
        for line in manifest_lines([ledger]):
            self.manifest.update(line)
        for key, line in metric_lines(ledger):
            if not is_metric_key(key):
                continue  # the ledger's check tells of it
            self.metrics.setdefault(key, hashlib.sha256()).update(line)
        for name, digests in named_schemas([ledger]).items():
            self.schemas[name] = digests | self.schemas.get(name, {})
        for body in ledger.bodies:
            self.files += len(body.objects())
            self.in_tables.update(hash(one.key) for one in body.files if one.key.startswith(TABLES))
            self.rows += body.rows[1] - body.rows[0]
            if body.bad_rows is not None:
                self.bad_rows += body.bad_rows.count
                self.skipped += body.bad_rows.skipped


def verify_run(target: str, *, as_json: bool) -> int:
    """Check ledgers, files and manifest; 0 or 93."""
    found, seen = find_target(target), _Seen()
    changed = _changed_files(found, seen)
    complete = retry_until_known(lambda: found.storage.get(SUCCESS_KEY)) is not None
    wrong = [
        *seen.problems,
        *changed,
        *problems_of_inputs(found.storage),
        *perform(schema_problems(seen.schemas), found.storage),
    ]
    if complete:
        wrong += [*_manifest_problems(found, seen), *_metrics_problems(found, seen)]
        wrong += strays(found.storage, lambda key: hash(key) in seen.in_tables)
    if as_json:
        facts = {"uri": found.storage.uri, "complete": complete}
        print_json({**facts, "files": seen.files, "problems": wrong})
    else:
        for problem in wrong:
            print(problem)
        numbers = {"file": seen.files, "shard": seen.shards, "problem": len(wrong)}
        counted = ", ".join(plural(number, noun) for noun, number in numbers.items())
        print(counted if complete else f"{counted} so far; the run is not complete")
    return ExitCode.VERIFICATION if wrong else 0


def _changed_files(found: Target, seen: _Seen) -> list[str]:
    """Read every ledger, and every file that they name, some of both side by side."""
    with closing(_checks(found, seen)) as checks, Threads(DOWNLOADS) as threads:
        patience = ATTENDED.until(threads.stopped)
        sentences = threads.in_order(partial(check, patience) for check in checks)
        return [sentence for sentence in sentences if sentence is not None]


def _checks(found: Target, seen: _Seen) -> Generator[Callable[[Patience], str | None]]:
    """One check for every file, as the ledgers come in."""
    plan, (rows, wrong) = plan_of(found.run), known_rows(found.storage, found.run)
    seen.problems += wrong
    flows = (_examined(shard, plan) for shard in range(found.run.shards))
    with closing(perform_each(flows, found.storage)) as examined:
        for ledger, problems in examined:
            seen.add(ledger, problems)
            for body in ledger.bodies:
                # Of another key the ledger's check tells, and no store is asked for it.
                named = [item for item in body.objects() if is_data_key(item.key, ledger.shard)]
                kept = None if body.bad_rows is None else body.bad_rows.object
                if rows is not None and kept in named:
                    named.remove(kept)
                    yield partial(wrong_bad_rows, found.storage, body, plan, rows)
                yield from (partial(wrong_file, found.storage, item) for item in named)


def _examined(shard: int, plan: ShardPlan) -> Flow[tuple[ShardLedger, tuple[str, ...]]]:
    ledger = yield from read_shard(shard)
    return ledger, (yield from problems_of(ledger, plan))


def _metrics_problems(found: Target, seen: _Seen) -> Iterator[str]:
    for key, digest in sorted(seen.metrics.items()):
        stored = sha256_of(found.storage, key)
        if stored is None:
            yield f"{key} is missing"
        elif stored != digest.hexdigest():
            yield f"{key} differs from what the ledgers say"
    listed = retry_until_known(lambda: [item.key for item in found.storage.list(METRICS_PREFIX)])
    for key in listed:
        if key not in seen.metrics:
            yield f"{key} is there, but no record has such metrics"


def strays(storage: Storage, is_named: Callable[[str], bool]) -> Iterator[str]:
    """A sentence for what is in a table's folder of a final run, but in no record.

    What readers of folders take for hidden is in nobody's way, as a log of Delta.
    """
    for key in retry_until_known(lambda: [item.key for item in storage.list(TABLES)]):
        hidden = any(part.startswith(("_", ".")) for part in key.split("/"))
        if not hidden and not is_named(key):
            yield f"{key} is a stray: in no record, but whoever reads its folder takes it"


def _manifest_problems(found: Target, seen: _Seen) -> list[str]:
    manifest = sha256_of(found.storage, MANIFEST_KEY)
    if manifest is None:
        return [f"{MANIFEST_KEY} is missing although the run has {SUCCESS_KEY}"]
    if manifest != seen.manifest.hexdigest():
        return [f"{MANIFEST_KEY} differs from what the ledgers say"]
    try:
        success = perform(read_success(), found.storage)
        summary = perform(finished(), found.storage)
    except VerificationError as error:
        return [str(error)]
    if success is not None and success.manifest != manifest:
        return [f"{SUCCESS_KEY} names another manifest"]
    if summary is not None and summary.rows != seen.rows:
        return [f"{SUMMARY_KEY} says {summary.rows} rows, the ledgers {seen.rows}"]
    if summary is not None and summary.badRows != seen.bad_rows:
        return [f"{SUMMARY_KEY} says {summary.badRows} bad rows, the ledgers {seen.bad_rows}"]
    if summary is not None and summary.skippedRows != seen.skipped:
        said = f"{summary.skippedRows} rows left out by hand"
        return [f"{SUMMARY_KEY} says {said}, the ledgers {seen.skipped}"]
    return []
