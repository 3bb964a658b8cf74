"""examples/score: the rows of Parquet files come out as they were, with one column more."""

import datetime
import io
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchprocess import results
from support.script_runs import Script

EXAMPLE = Path(__file__).parents[3] / "examples" / "score"
KILLED = """
import os, pathlib, signal
from score import Score as Example

class Score(Example):
    def process_batch(self, batch, batch_idx):
        marker = pathlib.Path(f"killed-{self.context.get_distributed_rank()}")
        if batch_idx == 2 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        super().process_batch(batch, batch_idx)
"""


def made(first: int, rows: int) -> pa.Table:
    """Rows of many types, nulls and nesting; some batches have no value in a column at all."""
    numbers = range(first, first + rows)
    few = [None if row % 100 else row for row in numbers]
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return pa.table(
        {
            "text": [None if row % 7 == 0 else "word " * (row % 5) for row in numbers],
            "id": pa.array([f"doc-{row}" for row in numbers]),
            "small": pa.array(few, pa.int16()),
            "vector": pa.array([[row, row / 2] for row in numbers], pa.list_(pa.float32(), 2)),
            "tags": pa.array([["a"] * (row % 3) or None for row in numbers], pa.list_(pa.string())),
            "meta": pa.array(
                [{"at": start, "deep": [{"n": row}] if row % 50 == 0 else None} for row in numbers],
                pa.struct(
                    [
                        ("at", pa.timestamp("ns", "UTC")),
                        ("deep", pa.list_(pa.struct([("n", pa.uint16())]))),
                    ]
                ),
            ),
            "nothing": pa.nulls(rows, pa.decimal128(9, 2)),
            "pairs": pa.array([[("k", row)] for row in numbers], pa.map_(pa.string(), pa.int64())),
            "large": pa.array(["x"] * rows, pa.large_string()),
        }
    )


@pytest.fixture
def job(script: Script) -> Script:
    """The example's folder, with some texts in it."""
    shutil.copytree(EXAMPLE, script.folder, dirs_exist_ok=True)
    (script.folder / "texts").mkdir()
    for number, (first, rows) in enumerate([(0, 150), (150, 190)]):
        file = script.folder / "texts" / f"{number}.parquet"
        pq.write_table(made(first, rows), file, row_group_size=100)
    return script


def scored(job: Script) -> pa.Table:
    run = next((job.folder / "batchprocess-runs").glob("score/*-*"))
    parts = results(str(run))
    return pa.concat_tables([pq.read_table(io.BytesIO(one.read())) for one in parts])


def test_the_rows_come_out_as_they_were_with_a_score_whatever_is_killed(job: Script) -> None:
    planned = job.batchprocess("plan", "job.yaml")
    assert "rows: 340" in planned.stdout, planned.stderr
    assert "input: 2 files" in planned.stdout
    job.write("killed.py", KILLED)
    yaml = (job.folder / "job.yaml").read_text().replace("score:Score", "killed:Score")
    job.write("job.yaml", yaml)
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(job.folder.glob("killed-*"))) == 3
    table = scored(job)
    expected = pa.concat_tables([made(0, 150), made(150, 190)])
    names = ["id", *(name for name in expected.column_names if name != "id")]
    assert table.column_names == [*names, "score"]
    assert table.drop_columns("score").equals(expected.select(names))
    assert table["score"].type == pa.float32()
    assert table["score"].to_pylist()[:5] == [0, 4, 4, 4, 4]
    verified = job.batchprocess("verify", "job.yaml")
    assert verified.returncode == 0, verified.stdout
