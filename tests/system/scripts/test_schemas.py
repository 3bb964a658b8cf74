"""One schema for each table in a run, by scripts that die, are mended and go on."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from batchprocess import TorchBatchProcessor, results, try_out
from batchprocess.cli.commands.verify import verify_run
from batchprocess.protocol.errors import SchemaDiffers
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.sdk.setup import run_info
from support.script_runs import Alone

ROWS = list(range(24))


class Saves(TorchBatchProcessor):
    """Saves `values` of each batch; dies in batch `dies`."""

    values = staticmethod(lambda batch: batch.float())
    schema = None
    dies = None

    def __init__(self, context) -> None:
        self.context = context

    def process_batch(self, batch, batch_idx) -> None:
        if batch_idx == self.dies:
            raise ValueError("dies here")
        values = type(self).values(batch)
        self.context.save("out.parquet", {"x": values}, schema=self.schema)


def processor(values, dies: int | None = None, schema=None) -> type:
    """As one script has it at a time; all are called alike."""
    return type("Saves", (Saves,), {"values": staticmethod(values), "dies": dies, "schema": schema})


def tables(alone: Alone) -> list[pa.Table]:
    parts = results(str(alone.run_folder))
    return [pq.read_table(io.BytesIO(one.read())) for one in parts]


def test_a_run_that_goes_on_goes_on_with_its_types(alone: Alone) -> None:
    with pytest.raises(ValueError, match="dies here"):
        alone.run(processor(lambda batch: batch.float(), dies=4), ROWS)
    with pytest.raises(SchemaDiffers, match=r"has double here, and float in this run"):
        alone.run(processor(lambda batch: batch.double()), ROWS)
    alone.run(processor(lambda batch: [None] * len(batch)), ROWS)
    found = tables(alone)
    assert {table.schema.field("x").type for table in found} == {pa.float32()}
    assert pa.concat_tables(found)["x"].to_pylist() == [*map(float, range(16)), *[None] * 8]


def test_records_name_the_schema_that_their_files_have(alone: Alone) -> None:
    alone.run(processor(lambda batch: batch.float()), ROWS)
    records = sorted(alone.run_folder.glob("ledger/00000/*.json"))
    named = [json.loads(path.read_text()).get("schemas") for path in records]
    assert len({one["out.parquet"] for one in named if one}) == 1
    schema = json.loads((alone.run_folder / "schemas" / "out.parquet.json").read_text())
    assert [one["type"] for one in schema["columns"]] == ["int64", "float"]


def test_a_schema_that_is_given_makes_batches_one_table(alone: Alone) -> None:
    def some(batch):
        return [None if row % 3 else row / 2 for row in batch.tolist()] if batch[0] else [None] * 4

    alone.run(processor(some, schema={"x": "float32"}), ROWS)
    assert {table.schema.field("x").type for table in tables(alone)} == {pa.float32()}


def test_a_first_commit_without_a_value_fails_and_is_mended_by_schema(alone: Alone) -> None:
    def nothing(batch):
        return [None] * len(batch)

    with pytest.raises(SchemaDiffers, match="has no value until this checkpoint"):
        alone.run(processor(nothing), ROWS)
    assert not (alone.run_folder / "schemas").exists()
    alone.run(processor(nothing, schema={"x": "string"}), ROWS)
    assert {table.schema.field("x").type for table in tables(alone)} == {pa.string()}


def test_trying_out_refuses_what_a_run_would(tmp_path: Path) -> None:
    with pytest.raises(SchemaDiffers, match="has no value"):
        try_out(processor(lambda batch: [None] * len(batch)), ROWS, batch_size=4)
    assert try_out(processor(lambda batch: batch), ROWS, batch_size=4).files


def test_a_run_of_before_ends_as_it_began(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(run_info, "LAYOUT", 1)
        with pytest.raises(ValueError, match="dies here"):
            alone.run(processor(lambda batch: [None] * len(batch), dies=4), ROWS)
    alone.run(processor(lambda batch: [torch.ones(1)] * len(batch)), ROWS)
    kinds = [table.schema.field("x").type for table in tables(alone)]
    assert kinds == [pa.null(), pa.null(), pa.list_(pa.float64())]
    assert not (alone.run_folder / "schemas").exists()


def test_verify_misses_the_schema_of_a_table(
    alone: Alone, capsys: pytest.CaptureFixture[str]
) -> None:
    alone.run(processor(lambda batch: batch.float()), ROWS)
    assert verify_run(str(alone.run_folder), as_json=False) == 0
    kept = alone.run_folder / "schemas" / "out.parquet.json"
    kept.write_text(kept.read_text().replace("float", "double"))
    assert verify_run(str(alone.run_folder), as_json=False) == ExitCode.VERIFICATION
    assert "goes by another schema of 'out.parquet'" in capsys.readouterr().out
    kept.unlink()
    assert verify_run(str(alone.run_folder), as_json=False) == ExitCode.VERIFICATION
    assert "goes by schemas/out.parquet.json, which is missing" in capsys.readouterr().out
