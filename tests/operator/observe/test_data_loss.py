"""Storage that has lost records is seen by a newer claim on an older cursor."""

import pytest

from batchprocess_operator.model.observed import Observed
from batchprocess_operator.model.reported import Reported, ShardReport
from batchprocess_operator.observe.data_loss import regressed
from support.operator.objects import job
from support.operator.shard_reports import report


class TestRegression:
    """Storage that has lost records, and what looks like it."""

    BEFORE = job({"cursors": "0,30,0,0", "claims": "0,9,0,0"})

    def found(self, told: ShardReport, one=BEFORE):
        return regressed(one.before, Observed(reported=Reported({told.shard: told})), 4)

    def test_a_newer_claim_on_an_older_cursor_is_data_loss(self) -> None:
        assert self.found(report(1, claim=10, cursor=20)) == {1: (30, 20)}

    def test_a_newer_claim_on_the_same_or_a_later_cursor_is_none(self) -> None:
        assert self.found(report(1, claim=10, cursor=30)) == {}
        assert self.found(report(1, claim=10, cursor=31)) == {}

    @pytest.mark.parametrize("claim", [3, 9])
    def test_a_fenced_attempts_late_report_is_none(self, claim: int) -> None:
        assert self.found(report(1, claim=claim, cursor=20)) == {}

    def test_a_pod_that_has_not_claimed_yet_says_nothing_about_the_cursor(self) -> None:
        assert self.found(report(1, claim=0, cursor=0)) == {}
