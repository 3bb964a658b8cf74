"""What is being done is told, and told again while it lasts."""

import time

from testcluster.trying import telling


def test_each_line_has_the_seconds_since_the_start() -> None:
    said: list[str] = []
    with telling(said.append) as tell:
        tell("starting etcd")
        tell("starting kubelet")

    assert said == ["    0 s  starting etcd", "    0 s  starting kubelet"]


def test_what_lasts_is_told_again() -> None:
    said: list[str] = []
    with telling(said.append, every=0.01) as tell:
        tell("starting etcd")
        while len(said) < 3:
            time.sleep(0.01)

    assert said[1:3] == ["    0 s  still starting etcd"] * 2


def test_nothing_is_told_again_before_the_first_line() -> None:
    said: list[str] = []
    with telling(said.append, every=0.01):
        time.sleep(0.1)

    assert said == []
