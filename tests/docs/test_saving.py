"""What the page on saving has people run reads what save wrote."""

import io
import re
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq

PAGE = Path(__file__).parents[2] / "docs" / "saving.md"


def recipe() -> str:
    """The lines that make one table of all parts."""
    (block,) = re.findall(r"```python\nimport io\n.*?```", PAGE.read_text(), re.S)
    return "".join(line for line in block.splitlines(keepends=True) if line.startswith("table"))


def part(values: list[object]) -> SimpleNamespace:
    """A file of one table, as `results` gives it."""
    file = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array(values, pa.string())}), file)
    return SimpleNamespace(read=file.getvalue)


def test_files_of_one_table_are_read_together() -> None:
    names = {"pa": pa, "pq": pq, "io": io, "parts": [part([None]), part(["boom"]), part([None])]}
    exec(recipe(), names)
    assert names["table"]["c"].to_pylist() == [None, "boom", None]
