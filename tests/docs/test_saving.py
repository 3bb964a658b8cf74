"""What the page on saving has people run reads what save wrote."""

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess.storage.local import LocalStorage
from support.storage.made_tables import complete

PAGE = Path(__file__).parents[2] / "docs" / "saving.md"


def recipe() -> str:
    """The lines that make one table of all parts."""
    (block,) = re.findall(r"```python\nimport io\n.*?```", PAGE.read_text(), re.S)
    return "".join(line for line in block.splitlines(keepends=True) if line.startswith("table"))


RUN = "batchprocess-runs/job/20260101T000000Z-1a2b"
ROWS = list(range(8))


def recipe_for(library: str) -> str:
    """The lines that read a table's folder by a library."""
    (block,) = re.findall(rf"```python\n(# {library}\n.*?)```", PAGE.read_text(), re.S)
    return str(block)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete run with a table of several files, rows of several values and a log."""
    complete(LocalStorage(tmp_path / RUN), name="embeddings.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))


@pytest.mark.usefixtures("folder")
# How datasets sorts is its own affair.
@pytest.mark.filterwarnings("ignore:Specifying null_placement:FutureWarning")
@pytest.mark.parametrize(
    ("library", "ids"),
    [
        ("deltalake", "table['id'].to_pylist()"),
        ("Polars, by the log", "frame['id'].to_list()"),
        ("pandas", "frame['id'].tolist()"),
        ("pyarrow", "table['id'].to_pylist()"),
        ("Polars", "frame['id'].to_list()"),
        ("DuckDB", "[row[0] for row in rows.fetchall()]"),
        ("Hugging Face", "list(rows['id'])"),
    ],
)
def test_a_library_reads_a_tables_folder_by_its_lines(library: str, ids: str) -> None:
    names: dict[str, Any] = {}
    exec(recipe_for(library), names)
    assert eval(ids, names) == ROWS


def test_the_lines_for_spark_are_python() -> None:
    """They are not run: Spark needs a Java machine, as nothing else here does."""
    compile(recipe_for("Spark"), "Spark", "exec")


@pytest.mark.usefixtures("folder")
def test_polars_own_reader_of_the_log_refuses_what_the_page_says() -> None:
    """Once it does not any more, the page can leave `use_pyarrow` out."""
    with pytest.raises(polars.exceptions.SchemaError, match="vector: incoming: Array"):
        exec(recipe_for("Polars, by the log").replace(", use_pyarrow=True", ""), {})


def part(values: list[object]) -> SimpleNamespace:
    """A file of one table, as `results` gives it."""
    file = io.BytesIO()
    pq.write_table(pa.table({"c": pa.array(values, pa.string())}), file)
    return SimpleNamespace(read=file.getvalue)


def test_files_of_one_table_are_read_together() -> None:
    names = {"pa": pa, "pq": pq, "io": io, "parts": [part([None]), part(["boom"]), part([None])]}
    exec(recipe(), names)
    assert names["table"]["c"].to_pylist() == [None, "boom", None]
