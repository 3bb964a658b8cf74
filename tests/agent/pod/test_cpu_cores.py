"""Children of a pod share its cores: no core twice, none left over, no more threads than run."""

import os
from pathlib import Path

import pytest

from batchprocess.agent.pod.cpu_cores import environment, limit, pin, share, threads


@pytest.mark.parametrize("cores", [range(16), [0, 2, 4, 6, 8], range(7)])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_core_belongs_to_one_child_and_shares_differ_by_one(cores, count) -> None:
    shares = [share(cores, number, count) for number in range(count)]
    assert sorted(core for one in shares for core in one) == sorted(cores)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_with_fewer_cores_than_children_all_share_all() -> None:
    assert share([3, 1], 2, 4) == [1, 3]


@pytest.mark.parametrize(
    ("text", "cores"), [("400000 100000\n", 4.0), ("max 100000\n", None), ("50000 100000", 0.5)]
)
def test_the_limit_is_the_cgroups(tmp_path: Path, text, cores) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert limit(tmp_path / "cpu.max") == cores
    assert limit(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("cores", "count", "cpu_limit", "expected"),
    [(8, 2, None, 8), (48, 2, 8.0, 4), (8, 2, 32.0, 8), (4, 4, 0.5, 1)],
)
def test_threads_fit_into_the_limit(cores, count, cpu_limit, expected) -> None:
    assert threads(cores, count, cpu_limit) == expected


def test_a_users_own_number_of_threads_and_a_single_child_are_left_alone() -> None:
    assert environment(8, 2, None, {}) == {"OMP_NUM_THREADS": "8"}
    assert environment(8, 2, None, {"OMP_NUM_THREADS": "3"}) == {}
    assert environment(8, 1, None, {}) == {}


def test_where_no_process_can_be_bound_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pin(os.getpid(), os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_setaffinity")
    pin(os.getpid(), {0})
