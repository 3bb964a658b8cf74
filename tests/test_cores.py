"""Cores that a process may use, where it can be bound to some and where it can't."""

import os

import pytest

from batchprocess.cores import allowed_cores


def test_they_are_those_that_the_process_is_bound_to() -> None:
    assert allowed_cores() == os.sched_getaffinity(0)


def test_where_no_process_is_bound_they_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert allowed_cores() == {0, 1, 2}
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert allowed_cores() == {0}
