"""JSON as deep as the API server takes it."""

import gc
import sys

import pytest

from batchprocess_operator.kube.deep_json import MAX_LEVELS, dumps, loads

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_what_the_api_server_takes_is_read_and_written(pair: tuple[bytes, bytes]) -> None:
    """It says that the interpreter's C code still counts and nests as it did: another may not."""
    text = pair[0] * MAX_LEVELS + b"1" + pair[1] * MAX_LEVELS
    assert dumps(loads(text)) == text


def test_what_nobody_takes_is_an_error_and_not_the_end() -> None:
    with pytest.raises(ValueError, match="more than 10000 lists and dicts in each other"):
        loads(b"[" * 1_000_000)


def test_all_else_may_recurse_no_deeper_than_before() -> None:
    before = sys.getrecursionlimit()
    with pytest.raises(ValueError, match="Expecting value"):
        loads(b"[")
    assert sys.getrecursionlimit() == before


def test_garbage_is_collected_as_before() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        loads(b"[")
    assert gc.isenabled()
