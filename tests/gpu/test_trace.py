"""A trace of the loop on a GPU shows a person what the loop and the GPU did."""

import json
from pathlib import Path

SCRIPT = """
class Computing(Base):
    def __init__(self, context):
        super().__init__(context)
        self.model = context.prepare_model_for_inference(torch.nn.Linear(1, 8))
    def process_batch(self, batch, batch_idx):
        with torch.no_grad():
            self.model(self.context.to_device(batch.float()).reshape(-1, 1))
        super().process_batch(batch, batch_idx)
go(Computing, Rows(400))
"""


def test_kernels_copies_and_the_loops_parts_are_in_it(pod, tmp_path: Path) -> None:
    ended = pod.run(SCRIPT, profile=True)
    assert ended.code == 0, ended.stderr
    (path,) = (tmp_path / "run").rglob("tensorboard/*/*.pt.trace.json")
    events = json.loads(path.read_text())["traceEvents"]
    kinds = {event.get("cat") for event in events}
    assert {"kernel", "gpu_memcpy"} <= kinds
    batches = [one for one in events if one.get("name") == "batchprocess: process_batch"]
    assert len([one for one in batches if one.get("cat") == "user_annotation"]) == 20
    assert any(one.get("name") == "batchprocess: wait for data" for one in events)
    assert path.stat().st_size < 20 << 20
