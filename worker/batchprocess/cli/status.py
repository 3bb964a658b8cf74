"""`batchprocess status`."""

import sys

from batchprocess.cli.main import print_json
from batchprocess.cli.outcome import print_spent, print_summary
from batchprocess.cli.table import print_table, shard_rows
from batchprocess.cli.target import find_target
from batchprocess.ledger.finalize import finished
from batchprocess.ledger.local_runs import look
from batchprocess.ledger.perform import perform
from batchprocess.protocol.spent import Spent, advice, sum_of


def show_status(target: str, *, as_json: bool) -> None:
    """Read the head of every ledger and print one line a shard."""
    found = find_target(target)
    summary = perform(finished(), found.storage)
    rows = shard_rows(look(found.storage, found.run.shards))
    done, total = (sum(row[name] for row in rows) for name in ("cursor", "total"))
    spent = sum_of(Spent(**row["spent"]) for row in rows if row["spent"])
    state = "complete" if summary is not None else "incomplete"
    if as_json:
        print_json(
            {
                "uri": found.storage.uri,
                "runId": found.run_id,
                "state": state,
                "batches": {"done": done, "total": total},
                "spent": spent.model_dump(),
                "advice": advice(spent),
                "shards": rows,
                "summary": None if summary is None else summary.model_dump(mode="json"),
            }
        )
        return
    print(f"state: {state}")
    print(f"outputs: {found.storage.uri}")
    print(f"batches: {done}/{total}")
    print_spent(spent, sys.stdout)
    if summary is not None:
        print_summary(summary)
    print_table(rows)
