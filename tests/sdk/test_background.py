"""A call on a thread of its own gives back what it returned or raised."""

import threading

import pytest

from batchprocess.sdk.background import BackgroundCall


def test_the_result_is_that_of_the_call_made_on_another_thread() -> None:
    assert BackgroundCall(threading.get_ident, "test").result() != threading.get_ident()


def test_what_the_call_raised_is_raised_to_whoever_asks() -> None:
    def fails() -> None:
        raise KeyError("row 7")

    call = BackgroundCall(fails, "test")
    with pytest.raises(KeyError, match="row 7"):
        call.result()
