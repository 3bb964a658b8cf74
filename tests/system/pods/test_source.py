"""A ConfigMap that is edited in the middle of a run, as its workers see and tell it."""

import json
from pathlib import Path
from typing import Any

import pytest

from batchprocess.files_digest import folder_digest
from batchprocess.protocol.records import Claim, decode
from batchprocess.protocol.run import RunInfo
from support.commands import Command
from support.config_map_volume import Volume
from support.pod_runs import Pod
from system.pods.test_finalizing import FINALIZE, SOUND

pytestmark = pytest.mark.slow
TWO: dict[str, Any] = {"shards": 2}


class Edited:
    """A pod with a source, and the digests that it has had."""

    def __init__(self, pod: Pod) -> None:
        self.pod, self.volume = pod, Volume(pod.folder / "source")
        self.digests: list[str | None] = []
        self.write("first")

    def write(self, text: str) -> None:
        self.volume.write(helper=f"# {text}")
        self.digests.append(folder_digest(self.volume.folder))

    def run(self, script: str = "go()", **environment: Any) -> Any:
        folder = str(self.volume.folder)
        return self.pod.run(script, source_folder=folder, **(TWO | environment))

    def claims(self, shard: int) -> list[str | None]:
        folder = self.pod.folder / "run" / "ledger" / f"{shard:05d}"
        found = []
        for file in sorted(folder.iterdir()):
            record = decode(file.read_bytes(), shard=shard, seq=int(file.stem))
            found += [record.source] if isinstance(record, Claim) else []
        return found

    @property
    def change(self) -> dict[str, str | None]:
        return {"first": self.digests[0], "now": self.digests[-1]}


@pytest.fixture
def edited(pod: Pod) -> Edited:
    return Edited(pod)


def test_an_unchanged_source_is_kept_in_run_and_claims_and_nothing_is_told(edited: Edited) -> None:
    for index in (0, 1):
        ended = edited.run(index=index)
        assert (ended.code, ended.message["source"]) == (0, None)
    run = RunInfo.model_validate_json((edited.pod.folder / "run" / "run.json").read_text())
    assert edited.claims(0) == edited.claims(1) == [run.source] == edited.digests


def test_another_source_is_told_and_goes_on(edited: Edited, batchprocess: Command) -> None:
    assert edited.run(index=0).code == 0
    edited.write("second")
    ended = edited.run(index=1)
    assert (ended.code, ended.message["source"]) == (0, edited.change)
    assert "the ConfigMap of spec.source was changed" in ended.stderr
    assert edited.claims(1) == edited.digests[1:]
    uri = str(edited.pod.folder / "run")
    said = batchprocess("status", uri)
    assert f"source: changed since the run was begun with {edited.digests[0]:.12}" in said.out
    told = batchprocess("status", uri, "--json").json["source"]
    assert told == {"first": edited.digests[0], "others": {edited.digests[1]: [1]}}
    assert batchprocess("verify", uri).code == 0


def test_another_source_that_is_not_wanted_ends_the_attempt_until_it_is_put_back(
    edited: Edited,
) -> None:
    assert edited.run(index=0).code == 0
    edited.write("second")
    for _ in range(2):
        ended = edited.run(index=1, source_on_change="fail")
        assert (ended.code, ended.message["source"]) == (1, edited.change)
        assert "onChange: fail" in ended.last_line
    assert not (edited.pod.folder / "run" / "ledger" / "00001").exists()
    # What is sealed is done, whatever stands there now.
    assert edited.run(index=0, source_on_change="fail").code == 0
    edited.write("first")
    assert edited.run(index=1, source_on_change="fail").code == 0
    assert edited.pod.rows() == [float(row) for row in range(40)]


def test_reducers_of_another_source_are_told_or_not_run(edited: Edited) -> None:
    for index in (0, 1):
        assert edited.run(SOUND, index=index).code == 0
    edited.write("second")
    ended = edited.run(SOUND, source_on_change="fail", max_retries_per_shard=0, **FINALIZE)
    assert (ended.code, ended.message["source"]) == (0, edited.change)
    assert "onChange: fail" in ended.message["result"]["metrics_error"]
    summary = json.loads(Path(edited.pod.folder, "run", "summary.json").read_text())
    assert (summary["rows"], summary["metrics"]) == (40, {})


def test_a_run_that_was_begun_before_there_were_digests_takes_any(edited: Edited) -> None:
    assert edited.pod.run("go()", index=0, **TWO).code == 0
    ended = edited.run(index=1, source_on_change="fail")
    assert (ended.code, ended.message["source"]) == (0, None)
