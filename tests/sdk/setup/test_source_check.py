"""Which source an attempt may go on with."""

import pytest

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.run import SourceChange
from batchprocess.sdk.setup.source_check import source_change, unwanted

OLD, NEW = "a" * 64, "b" * 64


@pytest.mark.parametrize(("mine", "first"), [(OLD, OLD), (None, OLD), (NEW, None), (None, None)])
def test_equal_ones_and_those_that_nobody_knows_are_no_change(
    mine: str | None, first: str | None
) -> None:
    assert source_change(mine, first) is None


def test_another_source_is_a_change_with_both_digests() -> None:
    assert source_change(NEW, OLD) == SourceChange(first=OLD, now=NEW)


def test_a_change_that_the_job_does_not_want_is_tried_again_for_it_may_be_put_back() -> None:
    error = unwanted(SourceChange(first=OLD, now=NEW), "a new runId")
    assert error.exit_code == ExitCode.OTHER
    for part in (NEW[:12], OLD[:12], "put it back", "(a new runId)"):
        assert part in str(error)
