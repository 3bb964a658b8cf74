"""A ConfigMap of code that is edited while its job runs, on a real kubelet."""

from pathlib import Path
from typing import Any

import pytest

from batchprocess.files_digest import folder_digest
from support.e2e.jobs import disturbed
from support.e2e.world import ROOT, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
SPEC: dict[str, Any] = {"shards": 2, "parallelism": 1, "maxBatches": 4, "checkpointInterval": 1}


class Code:
    """A ConfigMap of the disturbed digits job's files, and one file more that is edited."""

    def __init__(self, world: World, name: str, folder: Path) -> None:
        self.world, self.name, self.folder = world, name, folder
        for path in (*(ROOT / "examples/digits").iterdir(), *(HERE / "disturbed").iterdir()):
            if path.suffix in (".py", ".npz"):
                (folder / path.name).write_bytes(path.read_bytes())
        self.first = self.edit("first")

    def edit(self, text: str) -> str:
        """Returns the digest of what stands there then."""
        (self.folder / "note.txt").write_text(text)
        self.world.prepare(**{self.name: self.folder})
        return folder_digest(self.folder) or ""

    def begin(self, source: dict[str, Any], **spec: Any) -> None:
        """A job of this name by this code; returns once its first shard has a commit."""
        named = {"configMap": self.name, **source}
        self.world.apply(disturbed(self.world, self.name, **SPEC, **spec, source=named))
        self.world.wait(self.name, lambda status: (status.get("batches") or {}).get("done", 0) > 0)


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return {one["type"]: one for one in status.get("conditions", ())}.get(kind, {})


def test_an_edit_in_the_middle_is_told_with_both_digests(world: World, tmp_path: Path) -> None:
    code = Code(world, "edited", tmp_path)
    code.begin({})
    second = code.edit("second")
    status = world.wait("edited")
    assert status["state"] == "Complete", status
    told = condition(status, "SourceChanged")
    assert told["status"] == "True", status["conditions"]
    assert code.first[:12] in told["message"]
    assert second[:12] in told["message"]
    selector = "--field-selector=reason=ConfigMapEdited,involvedObject.name=edited"
    events = world.kubectl("get", "events", selector, "--output=name", "--namespace=e2e")
    assert len(events.split()) == 1


def test_an_edit_that_is_not_wanted_costs_the_shards_that_have_not_begun_until_it_is_put_back(
    world: World, tmp_path: Path
) -> None:
    code = Code(world, "strict", tmp_path)
    code.begin({"onChange": "fail"}, failurePolicy={"maxRetriesPerShard": 0})
    code.edit("second")
    status = world.wait("strict")
    assert status["state"] == "Failed", status
    assert status["shards"]["succeeded"] == 1
    assert "onChange: fail" in condition(status, "Failed")["message"]
    assert condition(status, "SourceChanged")["status"] == "True"
    assert code.edit("first") == code.first
    patch = '--patch={"spec": {"retry": 1}}'
    world.kubectl("patch", "bpj", "strict", "--namespace=e2e", "--type=merge", patch)
    status = world.wait("strict", lambda status: status["state"] == "Complete")
    assert status["rows"] == 2 * 4 * 32
