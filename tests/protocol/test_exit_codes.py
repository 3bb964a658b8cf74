"""Exit codes, and which of several says more."""

import pytest

from batchprocess.protocol.exit_codes import ExitCode, combine


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([0, 0], 0),
        ([], 0),
        ([85, 0], 85),
        ([91, 95, 92, 94, 90, 137, 1, 86, 88, 87, 85], 91),
        ([95, 92, 94, 90], 95),
        ([92, 94, 90, 137], 92),
        ([94, 90, 137], 94),
        ([90, 137, 1], 90),
        ([137, 139, 1], 137),
        ([1, 86, 88], 1),
        ([86, 88, 87], 86),
        ([88, 87, 85], 88),
        ([87, 85], 87),
        ([3, 0], 1),
    ],
)
def test_the_worst_child_decides_the_code(codes, expected):
    assert combine(codes) == expected


def test_the_codes_are_those_of_the_contract():
    assert {code.name: int(code) for code in ExitCode} == {
        "SEALED": 0, "OTHER": 1, "USAGE": 2, "STOPPED": 85, "STALLED": 86, "FENCED": 87,
        "STORAGE": 88, "USER_CODE": 90, "CANNOT_WORK": 91, "NO_PROGRESS": 92,
        "VERIFICATION": 93, "CLOSED": 94, "TOO_MANY_BAD_ROWS": 95,
    }  # fmt: skip
