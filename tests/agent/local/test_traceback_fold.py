"""A traceback that was shown is not shown again; everything else is."""

from batchprocess.agent.local.traceback_fold import TracebackFold

CALLS = ["Traceback (most recent call last):", '  File "a.py", line 3, in f', "    g()"]


def shown(fold: TracebackFold, source: int, lines: list[str]) -> list[str]:
    return [one for line in lines for one in fold.lines(source, line)]


def test_the_same_calls_are_told_in_one_line_whatever_the_message() -> None:
    fold = TracebackFold()
    assert shown(fold, 1, [*CALLS, "ValueError: row 1", "x"]) == [*CALLS, "ValueError: row 1", "x"]
    assert shown(fold, 2, ["y", *CALLS, "ValueError: row 2"]) == [
        "y",
        "(traceback as above) ValueError: row 2",
    ]


def test_another_class_or_another_line_is_another_traceback() -> None:
    fold = TracebackFold()
    shown(fold, 1, [*CALLS, "ValueError: a"])
    for other in ([*CALLS, "KeyError: a"], [*CALLS[:2], "    h()", "ValueError: a"]):
        assert shown(fold, 1, other) == other


def test_what_ends_in_the_midst_of_one_is_shown() -> None:
    fold = TracebackFold()
    assert shown(fold, 1, CALLS) == []
    assert shown(fold, 2, ["from another"]) == ["from another"]
    assert fold.rest(1) == CALLS
    assert fold.rest(1) == []


def test_an_endless_one_is_not_held_back() -> None:
    lines = [CALLS[0], *[f"  line {n}" for n in range(500)]]
    assert shown(TracebackFold(), 1, lines) == lines
