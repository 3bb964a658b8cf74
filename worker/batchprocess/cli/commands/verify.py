"""`batchprocess verify`."""

import hashlib

from batchprocess.cli.output import plural, print_json
from batchprocess.cli.target import Target, find_target
from batchprocess.ledger.documents import manifest_of
from batchprocess.ledger.finalize import finished, read_success
from batchprocess.ledger.read import ShardLedger, read_shard
from batchprocess.ledger.run import plan_of
from batchprocess.ledger.survey import problems_of
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.records import CommittedFile, digest
from batchprocess.protocol.run import MANIFEST_KEY, SUCCESS_KEY, SUMMARY_KEY
from batchprocess.runs.download import chunks
from batchprocess.runs.patience import retry_until_known
from batchprocess.runs.perform import perform, perform_all


def verify_run(target: str, *, as_json: bool) -> int:
    """Check ledgers, files and manifest; 0 or 93."""
    found = find_target(target)
    flows = [read_shard(shard) for shard in range(found.run.shards)]
    ledgers = perform_all(flows, found.storage)
    named = [item for one in ledgers for body in one.bodies for item in body.objects()]
    wrong = [*_ledger_problems(found, ledgers), *_file_problems(found, named)]
    complete = retry_until_known(lambda: found.storage.get(SUCCESS_KEY)) is not None
    wrong += _manifest_problems(found, ledgers, complete=complete)
    if as_json:
        facts = {"uri": found.storage.uri, "complete": complete}
        print_json({**facts, "files": len(named), "problems": wrong})
    else:
        for problem in wrong:
            print(problem)
        numbers = {"file": len(named), "shard": len(ledgers), "problem": len(wrong)}
        counted = ", ".join(plural(number, noun) for noun, number in numbers.items())
        print(counted if complete else f"{counted} so far; the run is not complete")
    return ExitCode.VERIFICATION if wrong else 0


def _ledger_problems(found: Target, ledgers: list[ShardLedger]) -> list[str]:
    plan = plan_of(found.run)
    flows = [problems_of(ledger, plan) for ledger in ledgers]
    return [problem for wrong in perform_all(flows, found.storage) for problem in wrong]


def _file_problems(found: Target, named: list[CommittedFile]) -> list[str]:
    wrong = []
    for item in named:
        total = hashlib.sha256()
        try:
            for chunk in chunks(found.storage, item.key):
                total.update(chunk)
        except FileNotFoundError:
            continue  # the ledger's own check has named it
        if total.hexdigest() != item.sha256:
            wrong.append(f"{item.key} was changed: its digest is not the one in the ledger")
    return wrong


def _manifest_problems(found: Target, ledgers: list[ShardLedger], *, complete: bool) -> list[str]:
    if not complete:
        return []
    manifest = retry_until_known(lambda: found.storage.get(MANIFEST_KEY))
    if manifest is None:
        return [f"{MANIFEST_KEY} is missing although the run has {SUCCESS_KEY}"]
    if manifest != manifest_of(ledgers):
        return [f"{MANIFEST_KEY} differs from what the ledgers say"]
    try:
        success = perform(read_success(), found.storage)
        summary = perform(finished(), found.storage)
    except VerificationError as error:
        return [str(error)]
    if success is not None and success.manifest != digest(manifest):
        return [f"{SUCCESS_KEY} names another manifest"]
    if summary is not None and summary.rows != _rows(ledgers):
        return [f"{SUMMARY_KEY} says {summary.rows} rows, the ledgers {_rows(ledgers)}"]
    return []


def _rows(ledgers: list[ShardLedger]) -> int:
    return sum(body.rows[1] - body.rows[0] for one in ledgers for body in one.bodies)
