"""The wire: inverse readers and writers, and the orders that the contracts fix."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.exit_codes import ExitCode, combine
from batchprocess.protocol.records import Claim, Commit, decode, encode, is_record_name
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.protocol.termination import ShardEnd, Termination

ENVIRONMENT = {"job": "20260101T000000Z-x", "job_name": "j", "run_uri": "/r", "shards": 4}


@given(
    shard=st.none() | st.integers(0, 9_999),
    hparams=st.dictionaries(st.text(), st.integers() | st.text() | st.none()),
    limit=st.none() | st.integers(1, 100),
    interval=st.none() | st.integers(1, 1_000),
    processor=st.none() | st.from_regex(r"[a-z]+:[A-Z]+", fullmatch=True),
)
def test_an_environment_survives_the_trip_through_variables(
    shard, hparams, limit, interval, processor
):
    before = WorkerEnvironment(
        **ENVIRONMENT,
        shard=shard,
        hparams=hparams,
        max_attempts_without_progress=limit,
        checkpoint_interval=interval,
        processor=processor,
    )
    assert WorkerEnvironment.from_env(before.to_env()) == before


def test_a_bad_variable_is_named_with_its_value():
    environ = WorkerEnvironment(**ENVIRONMENT).to_env() | {"BATCHPROCESS_SHARDS": "none"}
    with pytest.raises(InvalidArgument, match=r"BATCHPROCESS_SHARDS must be JSON, found 'none'"):
        WorkerEnvironment.from_env(environ)


def test_a_worker_has_consecutive_shards_of_its_list():
    job = WorkerEnvironment(**ENVIRONMENT, index=1, processes_per_worker=3)
    assert job.shards_of_worker() == (3,)
    retry = job.model_copy(update={"shard_list": (5, 7, 11, 13), "processes_per_worker": 2})
    assert retry.shards_of_worker() == (11, 13)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([], 0),
        ([85, 0], 85),
        ([91, 92, 94, 90, 137, 1, 86, 88, 87, 85], 91),
        ([92, 94, 90, 137], 92),
        ([94, 90, 137], 94),
        ([90, 137, 1], 90),
        ([137, 139, 1], 137),
        ([1, 86, 88], 1),
        ([86, 88, 87], 86),
        ([88, 87, 85], 88),
        ([87, 85], 87),
        ([3, 0], 1),
    ],
)
def test_the_worst_child_decides_the_code(codes, expected):
    assert combine(codes) == expected


@given(st.integers(1, 5_000), st.integers(1, 64), st.integers(1, 50))
def test_shards_cut_the_dataset_without_gap_or_overlap(rows, batch_size, shards):
    plan = ShardPlan(rows, batch_size, shards)
    spans = [plan.row_span(shard, 0, plan.size(shard)) for shard in range(shards)]
    assert spans[0][0] == 0
    assert spans[-1][1] == rows
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    sizes = [plan.size(shard) for shard in range(shards)]
    longer = plan.batches % shards
    assert sizes == [plan.batches // shards + (shard < longer) for shard in range(shards)]


def test_max_batches_bounds_every_shard():
    plan = ShardPlan(rows=100, batch_size=10, shards=3, max_batches=3)
    assert [plan.size(shard) for shard in range(3)] == [3, 3, 3]


@given(st.text(max_size=20_000), st.integers(0, 16))
def test_a_termination_message_fits_and_keeps_its_shards(message, count):
    shards = tuple(ShardEnd(shard=n, cursor=10**6, total=10**6, seq=10**6) for n in range(count))
    body = Termination(code=90, message=message, shards=shards).encode()
    assert len(body) <= 4_000
    assert Termination.model_validate_json(body).shards == shards


def test_a_claim_is_stored_as_these_bytes():
    claim = Claim(
        shard=3, seq=7, prev="ab", nonce="n", attempt="a", job="j", cursor=2, at="t", retry=1
    )
    assert json.loads(encode(claim)) == {
        "v": 1, "type": "claim", "shard": 3, "seq": 7, "prev": "ab", "nonce": "n",
        "attempt": "a", "job": "j", "cursor": 2, "at": "t", "retry": 1,
    }  # fmt: skip
    assert decode(encode(claim), shard=3, seq=7) == claim


def test_a_record_in_the_wrong_place_is_refused():
    body = encode(
        Claim(shard=0, seq=1, prev=None, nonce="n", attempt="a", job="j", cursor=0, at="")
    )
    with pytest.raises(VerificationError, match="record 2 of shard 0 says it is record 1"):
        decode(body, shard=0, seq=2)
    with pytest.raises(VerificationError, match="cannot be read"):
        decode(b"{", shard=0, seq=1)


def test_a_record_above_a_mebibyte_says_what_to_do():
    metrics = ({"group": "g", "steps_completed": 1, "metrics": {"x": "y" * (1 << 20)}},)
    commit = Commit(
        shard=0, seq=2, prev="p", nonce="n", attempt="a", job="j", cursor=1, at="",
        batches=(0, 1), rows=(0, 8), metrics=metrics,
    )  # fmt: skip
    with pytest.raises(ValueError, match="commit more often"):
        encode(commit)


@pytest.mark.parametrize("name", ["1.json", ".tmp-1-0", "00000001.json.tmp", "failed-1-x.json"])
def test_only_records_count_as_records(name):
    assert is_record_name("00000001.json")
    assert not is_record_name(name)


def test_the_codes_are_those_of_the_contract():
    assert {code.name: int(code) for code in ExitCode} == {
        "SEALED": 0, "OTHER": 1, "USAGE": 2, "STOPPED": 85, "STALLED": 86, "FENCED": 87,
        "STORAGE": 88, "USER_CODE": 90, "CANNOT_WORK": 91, "NO_PROGRESS": 92,
        "VERIFICATION": 93, "CLOSED": 94,
    }  # fmt: skip
