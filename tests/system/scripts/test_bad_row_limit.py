"""More bad rows than a job allows: it ends, and with a higher limit the same run goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.script_runs import Script

pytestmark = pytest.mark.slow
CODE = """
from batchprocess import TorchBatchProcessor

class Numbers:
    def __init__(self, bad):
        self.bad = set(bad)

    def __len__(self):
        return 40

    def __getitem__(self, row):
        if row in self.bad:
            raise ValueError(f"row {row} is broken")
        return row

class Save(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        self.context.save("rows.jsonl", {"value": batch})

def dataset(hparams):
    return Numbers(hparams["bad"])
"""
OF_TWO_SHARDS = {"processor": "numbers_job:Save", "dataset": "numbers_job:dataset", "shards": 2}


def run(script: Script, bad: list[int], limit: int | str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, stderr and result of one `batchprocess run`; rows of shard 1 begin at 20."""
    script.write("numbers_job.py", CODE)
    policy = {"onBadRow": "skip", "maxBadRows": limit}
    spec = OF_TWO_SHARDS | {"batchSize": 2, "checkpointInterval": 2, "hparams": {"bad": bad}}
    script.job(**spec, failurePolicy=policy)
    done = script.batchprocess("run", "job.yaml", "--json")
    return done.returncode, done.stderr, json.loads(done.stdout)


def folder(result: dict[str, Any]) -> Path:
    return Path(str(result["uri"]).removeprefix("file://"))


def errors(script: Script, result: dict[str, Any]) -> list[tuple[int, str]]:
    listed = script.batchprocess("results", result["uri"], "--errors", "--json")
    return [(one["row"], one["message"]) for one in json.loads(listed.stdout)["badRows"]]


def test_a_shard_that_has_too_many_alone_ends_the_run_and_goes_on_with_a_higher_limit(
    script: Script,
) -> None:
    bad = [0, 1, 5, 9, 30]
    code, told, first = run(script, bad, 2)
    assert (code, first["state"]) == (95, "failed"), told
    assert "shard 0 alone has 3 bad rows, and failurePolicy.maxBadRows allows 2; " in told
    assert [row for row, _ in errors(script, first)][:3] == [0, 1, 5]
    assert not (folder(first) / "manifest.jsonl").exists()
    again, told, _ = run(script, bad, 2)
    assert again == 95, told
    code, told, last = run(script, bad, "12.5%")
    assert (code, last["uri"], last["badRows"]) == (0, first["uri"], 5), told
    assert "rows, 5 of them bad and left out" in told
    assert errors(script, last) == [(row, f"row {row} is broken") for row in bad]
    assert script.batchprocess("verify", last["uri"]).returncode == 0


def test_too_many_of_all_shards_are_not_made_final_and_nothing_is_done_again(
    script: Script,
) -> None:
    bad = [0, 1, 30, 31]
    code, told, first = run(script, bad, 3)
    assert (code, first["state"]) == (95, "failed"), told
    assert "the run has 4 bad rows, and failurePolicy.maxBadRows allows 3; " in told
    assert "are committed and stay: raise maxBadRows, then run it again to go on\n" in told
    stored = {path for path in folder(first).rglob("*") if path.is_file()}
    assert not stored & {folder(first) / name for name in ("manifest.jsonl", "summary.json")}
    code, told, last = run(script, bad, 4)
    assert (code, last["uri"], last["badRows"]) == (0, first["uri"], 4), told
    assert last["attempts"] == 2
    new = {path.name for path in folder(last).rglob("*") if path.is_file() and path not in stored}
    assert new == {"manifest.jsonl", "summary.json", "_SUCCESS"}
