"""What a pod says of its shards."""

from batchprocess.protocol.progress import MAX_REPORT_BYTES, ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape, SourceChange
from batchprocess.protocol.spent import Spent


def test_a_report_of_as_many_shards_as_a_pod_can_have_fits_with_all_that_may_be_in_it() -> None:
    spent = Spent(data=123456.789, device=123456.789, user=123456.789, storage=123456.789)
    counts = {"seq": 10_000, "cursor": 1_000_000, "total": 1_000_000, "processed": 1_000_000}
    shards = [
        ShardProgress(
            shard=9_000 + n, **counts, rows=10**9, bad_rows=10**6, phase="finishing", spent=spent
        )
        for n in range(16)
    ]
    run = RunShape(rows=10**10, batch_size=10_000, batches=10**6)
    change = SourceChange(first="a" * 64, now="b" * 64)
    report = ProgressReport(shards=tuple(shards), run=run, source=change)
    body = report.model_dump_json()
    assert len(body) <= MAX_REPORT_BYTES
    assert ProgressReport.model_validate_json(body) == report
