"""Names of the children: unique, and short enough."""

import pytest

from batchprocess_operator.model.names import finalizer_job_name, worker_job_name
from support.operator.objects import UID


class TestNames:
    def test_a_job_made_again_under_the_same_name_has_other_children(self) -> None:
        assert worker_job_name("digits", "aaaaaaaa-1", 0) != worker_job_name(
            "digits", "bbbbbbbb-1", 0
        )

    @pytest.mark.parametrize("retry", [0, 1, 1000])
    def test_even_the_longest_leaves_room_for_the_index_in_a_pods_host_name(self, retry) -> None:
        assert len(worker_job_name("x" * 40, UID, retry) + "-9999") <= 63
        # Not indexed, but its pods carry its name as a label.
        assert len(finalizer_job_name("x" * 40, UID, retry)) <= 63
