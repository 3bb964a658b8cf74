"""What a loader process knows of the one before it."""

import os

import pytest

from batchprocess.sdk.input.skipping.suspect import (
    Death,
    SharedRow,
    Suspect,
    suspect_first_batch,
    take_suspect,
)


@pytest.mark.slow
def test_the_row_that_is_read_alone_is_seen_by_whoever_forked() -> None:
    row = SharedRow()
    child = os.fork()
    if child == 0:
        with Suspect(row).alone(7):
            os._exit(3)
    os.waitpid(child, 0)
    assert row.number == 7
    with Suspect(row).alone(8):
        assert row.number == 8
    assert row.number == -1


def test_only_the_first_batch_is_suspected() -> None:
    assert take_suspect() is None
    suspect = Suspect(SharedRow(), [Death(5, "SIGSEGV")])
    suspect_first_batch(suspect)
    assert take_suspect() is suspect
    assert take_suspect() is None
