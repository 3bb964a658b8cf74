"""Times in CSV: Arrow writes some of them as what they are not."""

from pathlib import Path

import pyarrow as pa
import pytest

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.tables.table_writers import WRITERS

DAY = 86_400


def written(folder: Path, column: pa.Array) -> list[str]:
    rows = pa.record_batch({"id": pa.array([7, 8, 9], pa.int64()), "x": column})
    writer = WRITERS[".csv"](folder / "all.csv", rows.schema)
    writer.add(rows)
    writer.finish()
    return (folder / "all.csv").read_text().splitlines()[1:]


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        *(
            (pa.timestamp(unit, zone), 2**62)
            for unit in ("s", "ms", "us")
            for zone in (None, "UTC")
        ),
        (pa.timestamp("us", "Europe/Berlin"), -(2**62)),
        (pa.date32(), 2**30),
        (pa.date64(), DAY * 1000 * 2**30),
        (pa.time32("ms"), -1),
        (pa.time64("us"), DAY * 10**6),
    ],
)
def test_one_that_no_text_says_is_refused_with_its_row(
    tmp_path: Path, kind: pa.DataType, bad: int
) -> None:
    with pytest.raises(InvalidArgument, match=f"^column 'x', of type .* has {bad} in the row with"):
        written(tmp_path, pa.array([1, None, bad], kind))


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (pa.date32(), ["0001-01-01", None, "9999-12-31"], ["0001-01-01", "", "9999-12-31"]),
        (
            pa.timestamp("ns"),
            [1, None, -1],
            ["1970-01-01 00:00:00.000000001", "", "1969-12-31 23:"],
        ),
        (pa.time32("s"), [0, None, DAY - 1], ["00:00:00", "", "23:59:59"]),
        (pa.timestamp("us", "UTC"), [None, None, None], ["", "", ""]),
    ],
)
def test_all_others_are_texts(
    tmp_path: Path, kind: pa.DataType, values: list[object], texts: list[str]
) -> None:
    made = pa.array(values).cast(kind) if isinstance(values[0], str) else pa.array(values, kind)
    found = written(tmp_path, made)
    assert all(
        line.startswith(f"{row},{text}")
        for row, line, text in zip((7, 8, 9), found, texts, strict=True)
    ), found
