"""Records are kept as they were stored, and take little memory."""

import hashlib
import tracemalloc

import pytest

from batchprocess.ledger.documents import manifest_digest, manifest_lines
from batchprocess.ledger.head import Stored
from batchprocess.ledger.packed_records import PackedRecords
from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import Claim, Commit, CommittedFile, digest, encode
from support.ledger_steps import AT, OLD

FILES, COMMITS = 2_000, 10


def claim(seq: int = 1) -> Claim:
    return Claim(shard=3, seq=seq, prev=None, nonce="n", attempt="a", job=OLD, cursor=0, at=AT)


def commit(seq: int) -> Commit:
    """A commit of many files, in the order that the manifest does not have."""
    names = (f"rows-{number:05d}.parquet" for number in reversed(range(FILES)))
    files = tuple(
        CommittedFile(
            name=name,
            key=f"data/00003/{seq:08d}-{'f' * 32}/{name}",
            size=1,
            sha256=hashlib.sha256(f"{seq}{name}".encode()).hexdigest(),
        )
        for name in names
    )
    fields = claim(seq).model_dump(exclude={"type", "retry"})
    return Commit(**fields, batches=(0, 1), rows=(0, 1), files=files)


def test_records_come_back_as_they_were_stored():
    bodies = [encode(claim()), encode(commit(2))]
    records = PackedRecords(3).followed_by(bodies[:1]).followed_by(bodies[1:])
    assert list(records) == [
        Stored(claim(), digest(bodies[0])),
        Stored(commit(2), digest(bodies[1])),
    ]
    assert (len(records), records.last) == (2, Stored(commit(2), digest(bodies[1])))
    assert PackedRecords(3).last is None


@pytest.mark.parametrize("body", [b"{", encode(claim(2))])
def test_a_body_that_is_not_the_next_record_is_refused_when_it_is_read(body):
    with pytest.raises(VerificationError):
        PackedRecords(3).followed_by([body])


@pytest.mark.slow
def test_the_manifest_of_many_files_takes_the_memory_of_one_record():
    records = PackedRecords(3).followed_by([encode(claim())])
    tracemalloc.start()
    try:
        for number in range(COMMITS):
            records = records.followed_by([encode(commit(number + 2))])
        kept, _ = tracemalloc.get_traced_memory()
        ledgers = [ShardLedger(3, records)]
        tracemalloc.reset_peak()
        found = manifest_digest(ledgers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # As an object a file takes about 900 bytes.
    assert kept < 100 * FILES * COMMITS
    assert peak - kept < 3_000 * FILES
    lines = list(manifest_lines(ledgers))
    assert found == digest(b"".join(lines))
    names = [line.split(b'"name":"')[1][:10] for line in lines]
    assert names[:FILES] == sorted(names[:FILES])
