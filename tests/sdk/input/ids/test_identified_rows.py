"""Ids that are a column of the files come with their batch: no row is read twice."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from batchprocess.data import jsonl
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.input.feed import open_feed
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.input.reader import Reader
from batchprocess.sdk.input.shard_batches import Start
from batchprocess.sdk.input.shard_loader import ShardLoader
from batchprocess.sdk.setup.row_names import RowNames
from support.fake_port import FakePort

START = Start(ShardPlan(12, 4, 1), 0, 0)


def dataset(folder: Path, **bad: str) -> Any:
    lines = [json.dumps({"name": f"n{row}", "x": float(row)}) for row in range(12)]
    for row, line in bad.items():
        lines[int(row[1:])] = line
    (folder / "in.jsonl").write_text("\n".join(lines))
    return jsonl(str(folder / "in.jsonl"), id="name")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("prefetch", [None, Prefetch(FakePort(), everything=True)])
def test_the_ids_of_a_batch_are_known_and_the_batch_is_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, prefetch: Any
) -> None:
    rows = dataset(tmp_path)
    assert len(rows) == 12
    names = RowNames(rows)
    loader = ShardLoader(rows, {"num_workers": workers})
    with Reader(lambda start: open_feed(loader, start, lambda: prefetch), names.know) as reader:
        feed = reader.feed_from(START)
        found = []
        for batch in range(3):
            read = feed.next_batch()
            monkeypatch.setattr(type(rows), "_read", None)  # in this process
            assert torch.equal(read["x"], torch.arange(4, dtype=torch.float64) + 4 * batch)
            assert names.row_ids is not None
            found += names.row_ids(range(4 * batch, 4 * batch + 4))
            feed.batch_done()
            monkeypatch.undo()
    assert found == [f"n{row}" for row in range(12)]


@pytest.mark.slow
def test_rows_that_are_left_out_have_no_id_among_them(tmp_path: Path) -> None:
    rows = dataset(tmp_path, r1="{", r2='{"name": null}')
    assert len(rows) == 12
    (first, *_) = ShardLoader(rows, {}, skip=True).read(START)
    assert first.ids == ("n0", "n3")
    assert first.batch.rows == first.rows == (0, 3)
    assert [one.row for one in first.batch.bad] == [1, 2]


@pytest.mark.slow
def test_what_ids_raise_is_raised_as_reading(tmp_path: Path) -> None:
    rows = dataset(tmp_path, r1='{"name": null}')
    assert len(rows) == 12
    with pytest.raises(ValueError, match="row 1 has None"):
        next(iter(ShardLoader(rows, {}).read(START)))
