"""One measured run in a process of its own: `child.py JSON` prints a JSON line last.

Time begins at the call of the runner, after imports; nothing has touched the GPU before.
"""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bounds
import peers
import processors
import torch
from work import jobs, units


def main(given: dict[str, Any]) -> dict[str, Any]:
    """Run what `given` says: job, runner, rows, workers, and options of the runner."""
    device = torch.device(given["device"])
    job = jobs(given["device"])[given["job"]]
    dataset = job.dataset(given["rows"])
    if given["runner"] == "model only":
        return bounds.model_only(job, dataset, device, given.get("seconds", 8.0))
    _import_for(given["runner"])
    job.model()  # its imports, and the file of its weights
    _meet(given.get("share", 1))
    with tempfile.TemporaryDirectory(dir=given.get("folder")) as folder:
        began, wall = time.perf_counter(), time.time()
        _run(given, job, dataset, device, Path(folder))
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    first = processors.first_batch[0] - began if processors.first_batch else None
    count = units(given["job"], dataset) // given.get("share", 1)
    batches = -(-len(dataset) // job.batch_size // given.get("share", 1))
    found = {
        "seconds": seconds,
        "rate": count / seconds,
        "began": wall,
        "first_batch": first,
        "megabytes": size / 1e6,
        "peak_host_mb": _peak_host(),
    }
    if first is not None and batches > 1:
        found["batch_us"] = (seconds - first) / (batches - 1) * 1e6
        found["rate_after_first"] = count * (1 - 1 / batches) / (seconds - first)
    if device.type == "cuda":
        found["peak_device_mb"] = torch.cuda.max_memory_allocated() / 1e6
    return found


def _meet(children: int) -> None:
    """Begin together with the other children of a pod: imports are not measured, for anybody."""
    out = os.environ.get("BENCH_OUT")
    if out is None:
        return
    Path(out, f"{os.getpid()}.ready").touch()
    deadline = time.monotonic() + 120
    while len([*Path(out).glob("*.ready")]) < children:
        if time.monotonic() > deadline:
            raise TimeoutError("the other children of the pod did not come up")
        time.sleep(0.005)


def _peak_host() -> float:
    """This program's own: `ru_maxrss` begins with that of the process that started it."""
    found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1e3 if found else 0.0


def _import_for(runner: str) -> None:
    """Imports are not part of the measured time, for anybody."""
    if runner.startswith("ours"):
        import boto3  # noqa: F401

        import batchprocess

        batchprocess.torch_batch_process  # noqa: B018
        import batchprocess.sdk.save.formats.parquet
    elif runner == "Lightning":
        import pytorch_lightning  # noqa: F401
    elif runner.startswith("Accelerate"):
        import accelerate  # noqa: F401
    elif runner == "Determined":
        import determined.pytorch.experimental  # noqa: F401


def _run(given: dict[str, Any], job: Any, dataset: Any, device: Any, folder: Path) -> None:
    runner, workers = given["runner"], given["workers"]
    if runner == "loader only":
        bounds.loader_only(job, dataset, workers)
    elif runner == "plain loop":
        bounds.plain(job, dataset, device, workers, folder)
    elif runner == "tuned loop":
        bounds.tuned(job, dataset, device, workers, folder)
    elif runner.startswith("Accelerate"):
        peers.accelerate(job, dataset, workers, folder, keep=given.get("kind") != "silent")
    elif runner == "Lightning":
        peers.lightning(job, dataset, workers, folder)
    elif runner == "Determined":
        peers.determined(job, dataset, workers, folder)
    else:
        ours(given, job, dataset, folder)


def ours(given: dict[str, Any], job: Any, dataset: Any, folder: Path) -> None:
    """`torch_batch_process`, alone or, if the environment says so, as a child of an agent."""
    from batchprocess import TorchBatchProcessor, torch_batch_process

    os.environ.setdefault("BATCHPROCESS_OUTPUT", given.get("uri") or str(folder))
    kind, prepare = given.get("kind", "unchanged"), given.get("prepare", {})
    if kind == "unchanged":
        processor = processors.unchanged(TorchBatchProcessor, job)
    elif kind == "silent":
        processor = processors.silent(TorchBatchProcessor, job)
    elif given["job"] == "text by length":
        processor = processors.grouped(TorchBatchProcessor, job, kind)
    else:
        processor = processors.saving(TorchBatchProcessor, job, kind, **prepare)
    options: dict[str, Any] = {"num_workers": given["workers"]}
    if job.collate is not None:
        options["collate_fn"] = job.collate
    torch_batch_process(
        processor,
        dataset,
        batch_size=job.batch_size,
        checkpoint_interval=job.interval,
        dataloader_kwargs=options,
    )


if __name__ == "__main__":
    result = main(json.loads(sys.argv[1]))
    out = os.environ.get("BENCH_OUT")
    if out is not None:
        Path(out, f"{os.getpid()}.json").write_text(json.dumps(result))
    print(json.dumps(result), flush=True)
