"""No name from outside becomes another address."""

import pytest

from batchprocess.client.names import check_job_name, check_namespace
from batchprocess.protocol.errors import InvalidArgument


@pytest.mark.parametrize("name", ["", "A", "a/b", "../x", "-a", "a-", "a\n", "x" * 41, "a?b=c"])
def test_what_is_no_name_of_a_job_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="is not the name of a job: at most 40 of a-z"):
        check_job_name(name)


def test_names_are_given_back() -> None:
    assert check_job_name("digits-1") == "digits-1"
    assert check_namespace("x" * 63) == "x" * 63
    with pytest.raises(InvalidArgument, match="is not a namespace"):
        check_namespace("x" * 64)
