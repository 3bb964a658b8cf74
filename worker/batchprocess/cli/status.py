"""`batchprocess status`."""

import sys

from batchprocess.cli.main import print_json
from batchprocess.cli.run import batches_text, print_spent
from batchprocess.cli.target import find_target
from batchprocess.ledger.finalize import finished
from batchprocess.ledger.head import Stored
from batchprocess.ledger.local_runs import look
from batchprocess.ledger.perform import perform
from batchprocess.ledger.run import plan_of
from batchprocess.protocol.records import Commit, Seal
from batchprocess.protocol.spent import Spent, advice, sum_of


def show_status(target: str, *, as_json: bool) -> None:
    """Read the head of every ledger and print one line a shard."""
    found = find_target(target)
    plan = plan_of(found.run)
    heads = look(found.storage, found.run.shards).heads
    summary = perform(finished(), found.storage)
    rows = [
        {
            "shard": shard,
            "cursor": head.record.cursor if head else 0,
            "total": plan.size(shard),
            "state": _state(head.record if head else None),
            "lastRecord": head.record.at if head else None,
            "spent": None if (one := _spent(head)) is None else one.model_dump(),
        }
        for shard, head in enumerate(heads)
    ]
    spent = sum_of(filter(None, map(_spent, heads)))
    done = sum(row["cursor"] for row in rows)  # type: ignore[misc]
    total = sum(plan.size(shard) for shard in range(found.run.shards))
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
    print(f"batches: {batches_text(done, total)}")
    print_spent(spent, sys.stdout)
    for row in rows:
        text = batches_text(row["cursor"], row["total"])  # type: ignore[arg-type]
        print(f"shard {row['shard']:>5} {text:>15}  {row['state']}")


def _spent(head: Stored | None) -> Spent | None:
    return head.record.spent if head and isinstance(head.record, Commit | Seal) else None


def _state(record: object) -> str:
    if record is None:
        return "pending"
    return record.outcome if isinstance(record, Seal) else "open"
