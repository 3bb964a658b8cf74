"""What keeps a Job that is being deleted."""

import pytest

from batchprocess_operator.observe.deletion import kept_by

GOING = {"deletionTimestamp": "2030-01-01T12:00:00Z"}


def test_one_that_nobody_deletes_is_kept_by_nothing():
    assert kept_by({"finalizers": ["example.com/keep"]}) is None
    assert kept_by(GOING) == ()
    assert kept_by(GOING | {"finalizers": ["a/b", "foregroundDeletion"]}) == (
        "a/b",
        "foregroundDeletion",
    )


@pytest.mark.hostile
def test_many_finalizers_are_cut():
    assert kept_by(GOING | {"finalizers": ["a" * 400] * 50}) == ("a" * 128,) * 3
