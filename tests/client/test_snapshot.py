"""An object of any release is read as far as it can be, and said so where not."""

import pytest

from batchprocess.client.snapshot import Unreadable
from support.client.fake_server import ended, snapshot


def test_a_job_shows_who_it_is_and_how_far() -> None:
    seen = snapshot(ended("Complete"), shards=7)
    assert (seen.name, seen.namespace, seen.uid, seen.version) == ("digits", "team", "u-1", "1")
    assert (seen.spec.shards, seen.status.state, seen.ended, seen.succeeded) == (
        *(7, "Complete"),
        *(True, True),
    )
    assert repr(seen) == "Snapshot(team/digits, u-1)"


def test_a_field_of_another_release_is_named_where_it_cannot_be_read() -> None:
    with pytest.raises(Unreadable, match=r"digits: spec\.spec\.quantum cannot be read"):
        assert snapshot(quantum=1).spec
    with pytest.raises(Unreadable, match=r"digits: status\.state cannot be read"):
        assert snapshot({"state": "Entangled"}).status
    assert snapshot({"entangled": True}).status.state is None
