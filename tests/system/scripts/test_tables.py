"""A table's folder, its log and `results` after kills in the middle: each row once, in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deltalake
import pandas as pd
import pytest

from batchprocess import TorchBatchProcessor, results
from batchprocess.ledger import attempt
from batchprocess.sdk.setup import run_info
from support.commands import Command, batchprocess
from support.script_runs import Alone

__all__ = ["batchprocess"]
ROWS = 20


class Killed(Exception):
    """Stands for a kill between the upload of a commit's files and its record."""


class Halves(TorchBatchProcessor):
    def __init__(self, context: Any) -> None:
        self.context = context

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        self.context.save("halves.parquet", {"half": batch / 2, "pair": [[1.0]] * len(batch)})


@pytest.fixture
def killed(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run `Halves` until the record of its second commit would be created."""

    def run() -> None:
        calls = iter(range(99))

        def create(record: Any, body: bytes) -> Any:
            if record.type == "commit" and next(calls):
                raise Killed
            return (yield from whole(record, body))

        whole = attempt.create_record
        with monkeypatch.context() as patch:
            patch.setattr(attempt, "create_record", create)
            with pytest.raises(Killed):
                alone.run(Halves, list(range(ROWS)))

    return run


def wanted() -> list[float]:
    return [row / 2 for row in range(ROWS)]


def test_the_folder_is_exact_once_the_run_is_complete(
    alone: Alone, killed: Any, batchprocess: Command
) -> None:
    killed()
    folder = alone.run_folder / "tables" / "halves"
    assert len(list(folder.iterdir())) == 2
    alone.run(Halves, list(range(ROWS)))
    assert pd.read_parquet(folder)["half"].tolist() == wanted()
    assert results(str(alone.run_folder)).table("halves").to_table()["half"].to_pylist() == wanted()
    table = deltalake.DeltaTable(folder).to_pyarrow_table()
    assert sorted(table["half"].to_pylist()) == wanted()
    assert batchprocess("verify", alone.run_folder).code == 0
    (folder / f"00000-00000099-{'0' * 32}.parquet").write_bytes(b"of a zombie")
    assert "is a stray" in batchprocess("verify", alone.run_folder).out
    assert results(str(alone.run_folder)).table("halves").to_table()["half"].to_pylist() == wanted()


def test_a_run_from_before_there_were_tables_ends_without(
    alone: Alone, killed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(run_info, "LAYOUT", 1)
        patch.setattr(run_info, "REFUSED_BY_OLDER", {})
        killed()
    alone.run(Halves, list(range(ROWS)))
    files = [Path(one.file.key) for one in results(str(alone.run_folder))]
    assert {one.parts[0] for one in files} == {"data"}
    assert not (alone.run_folder / "tables").exists()
    table = results(str(alone.run_folder)).table("halves").to_table()
    assert table["half"].to_pylist() == wanted()
    assert alone.summary()["withoutDeltaLog"] == {}
