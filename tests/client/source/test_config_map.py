"""The ConfigMap of a source is there before its job, and goes with it, whatever happens between."""

from typing import Any

import pytest

from batchprocess.client.errors import AlreadyExists, Changed, NotFound, Rejected, Unavailable
from batchprocess.client.source.config_map import config_map_of, own, put, take_back
from batchprocess.client.source.source_files import SourceFiles
from support.client.fake_server import fake_cluster, snapshot

TAKEN, GONE = AlreadyExists("taken"), NotFound("gone")
WANTED = config_map_of("digits", "team", SourceFiles({"a.py": b"x", "b.bin": b"\xff"}))


def stored(**change: Any) -> dict[str, Any]:
    return {**WANTED, "metadata": {**WANTED["metadata"], "uid": "c-1"}, **change}


def test_its_name_has_the_digest_and_text_stands_in_it_as_text() -> None:
    assert WANTED["metadata"]["name"].startswith("digits-")
    assert len(WANTED["metadata"]["name"]) == len("digits-") + 12
    assert (WANTED["data"], WANTED["binaryData"]) == ({"a.py": "x"}, {"b.bin": "/w=="})
    assert WANTED["immutable"] is True
    other = config_map_of("digits", "team", SourceFiles({"a.py": b"y"}))
    assert other["metadata"]["name"] != WANTED["metadata"]["name"]


def test_one_that_is_there_is_taken_if_it_is_the_same() -> None:
    connection, _ = fake_cluster(TAKEN, stored())
    assert put(connection, WANTED) == (stored(), False)
    for other in (stored(data={}), stored(immutable=False), stored(binaryData=None)):
        connection, _ = fake_cluster(TAKEN, other)
        with pytest.raises(Rejected, match="is there and is not the source's"):
            put(connection, WANTED)


def test_a_lost_answer_and_one_that_is_deleted_meanwhile_do_no_harm() -> None:
    connection, _ = fake_cluster(Unavailable("lost"), TAKEN, stored())
    assert put(connection, WANTED)[1] is False
    connection, _ = fake_cluster(TAKEN, GONE, stored())
    assert put(connection, WANTED)[1] is True
    connection, _ = fake_cluster(*[TAKEN, GONE] * 5)
    with pytest.raises(Changed, match="deleted again and again"):
        put(connection, WANTED)


def test_it_is_owned_by_the_job_and_made_anew_if_the_collector_was_faster() -> None:
    connection, transport = fake_cluster(TAKEN, stored(), {})
    own(connection, snapshot(), WANTED)
    patch = transport.asked[-1][3]["metadata"]
    assert (patch["uid"], patch["ownerReferences"][0]["uid"]) == ("c-1", "u-1")
    connection, transport = fake_cluster(TAKEN, stored(), GONE, stored())
    own(connection, snapshot(), WANTED)
    method, _, _, body = transport.asked[-1]
    assert (method, body["metadata"]["ownerReferences"][0]["name"]) == ("POST", "digits")
    connection, _ = fake_cluster(*[TAKEN, stored(), Changed("another")] * 5)
    with pytest.raises(Changed, match="deleted again and again"):
        own(connection, snapshot(), WANTED)


def test_it_is_taken_back_if_there_is_no_job() -> None:
    connection, transport = fake_cluster(b"{}")
    take_back(connection, stored())
    assert transport.asked[0][3]["preconditions"] == {"uid": "c-1"}
    connection, _ = fake_cluster(GONE)
    take_back(connection, stored())
