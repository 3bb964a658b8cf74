"""The termination message fits where Kubernetes keeps it."""

from hypothesis import given
from hypothesis import strategies as st

from batchprocess.protocol.run import SourceChange
from batchprocess.protocol.termination import ShardEnd, Termination


@given(st.text(max_size=20_000), st.integers(0, 16))
def test_a_termination_message_fits_and_keeps_its_shards(message, count):
    shards = tuple(
        ShardEnd(shard=n, cursor=10**6, total=10**6, seq=10**6, bad_rows=10**6)
        for n in range(count)
    )
    change = SourceChange(first="a" * 64, now="b" * 64)
    body = Termination(code=90, message=message, shards=shards, source=change).encode()
    assert len(body) <= 4_000
    read = Termination.model_validate_json(body)
    assert (read.shards, read.source) == (shards, change)
