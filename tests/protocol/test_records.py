"""Records as bytes, and what is refused as one."""

import json

import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import (
    Claim,
    Commit,
    CommittedFile,
    KeptBadRows,
    decode,
    encode,
)


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_claim_is_stored_as_these_bytes():
    claim = Claim(
        shard=3, seq=7, prev="ab", nonce="n", attempt="a", job="j", cursor=2, at="t", retry=1
    )
    assert json.loads(encode(claim)) == {
        "v": 1, "type": "claim", "shard": 3, "seq": 7, "prev": "ab", "nonce": "n",
        "attempt": "a", "job": "j", "cursor": 2, "at": "t", "retry": 1,
        "source": None,
    }  # fmt: skip
    assert decode(encode(claim), shard=3, seq=7) == claim


def test_a_record_from_before_there_were_sources_is_read_and_stays_as_it_is_stored():
    body = b'{"type":"claim","shard":0,"seq":1,"prev":null,"nonce":"n","attempt":"a","job":"j",'
    body += b'"cursor":0,"at":""}'
    record = decode(body, shard=0, seq=1)
    assert record.source is None
    told = record.model_copy(update={"source": "ab" * 32})
    assert decode(encode(told), shard=0, seq=1) == told


def test_a_record_of_a_shard_without_bad_rows_has_the_bytes_that_it_always_had():
    body = (
        b'{"v":1,"shard":0,"seq":2,"prev":"ab","nonce":"n","attempt":"a","job":"j","cursor":1,'
        b'"at":"t","source":null,"batches":[0,1],"rows":[0,8],"files":[],"reducers":[],'
        b'"metrics":[],"models":[],"spent":null,"type":"commit"}'
    )
    record = decode(body, shard=0, seq=2)
    assert record.bad_rows is None
    assert encode(record) == body


def test_a_record_names_the_object_of_its_bad_rows():
    item = CommittedFile(name="x.jsonl", key="errors/00000/x.jsonl", size=1, sha256="ab")
    record = Commit(
        shard=0, seq=2, prev="p", nonce="n", attempt="a", job="j", cursor=1, at="",
        batches=(0, 1), rows=(0, 8), bad_rows=KeptBadRows(count=1, total=3, object=item),
    )  # fmt: skip
    assert decode(encode(record), shard=0, seq=2) == record
    assert record.objects() == (item,)
    later = record.model_copy(update={"bad_rows": KeptBadRows(count=0, total=3)})
    assert decode(encode(later), shard=0, seq=2) == later
    assert later.objects() == ()


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


@pytest.mark.parametrize("bad", [deep(240), deep(500), "\ud800", float("nan")], ids=repr)
@pytest.mark.parametrize(
    ("field", "name"), [("reducers", "reducer 'trees'"), ("metrics", "a metric of group 'trees'")]
)
def test_a_record_that_nobody_could_read_again_is_refused_and_says_by_whom(field, name, bad):
    parts = {
        "reducers": [{"name": "fine", "kind": "slot", "value": [1]},
                     {"name": "trees", "kind": "slot", "value": bad}],
        "metrics": [{"group": "fine", "steps_completed": 1, "metrics": {}},
                    {"group": "trees", "steps_completed": 1, "metrics": {"a": bad}}],
    }  # fmt: skip
    commit = Commit(
        shard=0, seq=2, prev="p", nonce="n", attempt="a", job="j", cursor=1, at="",
        batches=(0, 1), rows=(0, 8), **{field: parts[field]},
    )  # fmt: skip
    with pytest.raises(ValueError, match="could not be read again") as error:
        encode(commit)
    assert bad != bad or str(error.value).startswith(f"{name} of the commit of shard 0")
