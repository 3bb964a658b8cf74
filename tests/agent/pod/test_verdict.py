"""Whether a child's end is one of its shard: who asks for another process may be followed by it."""

import pytest

from batchprocess.agent.pod.child_watch import SealSeen, Watch
from batchprocess.agent.pod.verdict import conclude, goes_on, goes_on_sentence
from batchprocess.protocol.bad_rows.isolation import (
    MAX_PROCESSES,
    Isolate,
    RaisedAlone,
    RaisedByBatch,
)
from batchprocess.protocol.control import Committed, Outcome

ERROR = RaisedByBatch(type="ValueError", message="row\n9")
ASKED = Isolate(attempt="a" * 32, batch=2, error=ERROR)


def asking(**fields: object) -> Watch:
    watch = Watch(3, 0.0)
    watch.record(Outcome(code=90, message="said it"), 1.0)
    watch.record(ASKED, 1.0)
    for name, value in fields.items():
        setattr(watch, name, value)
    return watch


@pytest.mark.parametrize(
    ("fields", "seal", "stopping", "followed"),
    [
        ({}, "none", False, True),
        ({}, "unreadable", False, True),
        ({"killed": "lingering"}, "none", False, True),
        ({"without_commit": MAX_PROCESSES - 1}, "none", False, True),
        ({"without_commit": MAX_PROCESSES}, "none", False, False),
        ({"request": None}, "none", False, False),
        ({}, "complete", False, False),
        ({}, "abandoned", False, False),
        ({}, "none", True, False),
        ({"stop_asked": True}, "none", False, False),
        ({"killed": "stalled"}, "none", False, False),
        ({"killed": "sibling"}, "none", False, False),
    ],
)
def test_another_process_is_started_only_for_a_shard_that_goes_on_here(
    fields: dict[str, object], seal: str, stopping: bool, followed: bool
) -> None:
    assert goes_on(asking(**fields), SealSeen(seal), stopping=stopping) == followed


@pytest.mark.parametrize(
    ("fields", "stopping", "code"),
    [
        ({}, True, 85),
        ({"stop_asked": True}, False, 85),
        ({"without_commit": MAX_PROCESSES}, False, 90),
    ],
)
def test_who_is_not_followed_is_judged(
    fields: dict[str, object], stopping: bool, code: int
) -> None:
    watch = asking(**fields)
    conclude(watch, 1, SealSeen("none"), stopping=stopping)
    assert watch.code == code


def test_what_is_known_of_the_shard_holds_for_the_next_until_it_knows_better() -> None:
    watch = asking(claim_seq=4, phase="running", processed=8, rows=3)
    watch.record(Committed(shard=3, seq=5, cursor=7, bad_rows=2), 1.0)
    following = watch.next(9.0).next(10.0)
    assert (following.phase, following.started, following.request) == ("starting", 10.0, None)
    assert (following.as_end().cursor, following.as_end().bad_rows) == (7, 2)
    assert following.as_progress().seq == 0
    assert following.without_commit == 2


def test_the_log_says_why_another_process_is_started() -> None:
    begin = "batch 2 of shard 3 has raised ValueError: row / 9; "
    said = goes_on_sentence(asking(), ASKED)
    assert said == f"{begin}another process tries its rows alone"
    bad = [RaisedAlone(row=row, stage="process_batch", type="ValueError") for row in (8, 9)]
    said = goes_on_sentence(asking(), ASKED.then("b", "try", bad[:1]))
    assert said == f"{begin}1 row of it is bad; another process looks for more"
    said = goes_on_sentence(asking(), ASKED.then("b", "process", bad))
    assert said == f"{begin}2 rows of it are bad; another process goes on without"
    said = goes_on_sentence(asking(), ASKED.then("b", "process"))
    assert said == f"{begin}another process processes it again"
