"""All of the loop's benchmarks in one run on one machine: `python benchmarks/gpu/run.py`.

Prints a table, and leaves results.json, table.md and plot.svg in a folder named by date and GPU.
`--only images,text` runs some parts; `--scale 0.1` runs all of them shorter; on a machine without
a GPU everything runs on the CPU, smaller, against plain loops.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import report
import torch
from s3 import server

HERE = Path(__file__).parent
PEERS = ["Accelerate", "Lightning", "Determined"]
_MOST_SECONDS = 200
PARTS = ["images", "compiled", "s3", "text", "small", "jpeg", "memory", "pod"]


class Bench:
    """Runs children one after another and remembers what they said."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.options = options
        self.workers = options.workers if self.device == "cuda" else min(2, options.workers)
        self.results: list[dict[str, Any]] = []

    def rows(self, on_gpu: int, on_cpu: int) -> int:
        """Rows of a job at full size, scaled."""
        return max(64, int((on_gpu if self.device == "cuda" else on_cpu) * self.options.scale))

    def child(self, part: str, label: str, env: dict[str, str] | None = None, **given: Any) -> Any:
        """One measured run; None if it failed, which the table says, or was not asked for."""
        if not re.search(self.options.match, f"{part}: {label}"):
            return None
        given = {"device": self.device, "workers": self.workers, "runner": "ours"} | given
        began = time.monotonic()
        found = _found([str(HERE / "child.py"), json.dumps(given)], {**os.environ, **(env or {})})
        self.add(part, label, found)
        wall = time.monotonic() - began
        print(f"{part:9} {label:32} {report.brief(found)}  [{wall:.0f} s]", flush=True)
        return None if "error" in found else found

    def warm(self, env: dict[str, str] | None = None, **given: Any) -> None:
        """A run that does not count: the first one reads libraries and kernels from the disk."""
        given = {"device": self.device, "workers": self.workers, "runner": "ours"} | given
        _found([str(HERE / "child.py"), json.dumps(given)], {**os.environ, **(env or {})})

    def add(self, part: str, label: str, found: dict[str, Any]) -> None:
        """Remember a result."""
        self.results.append({"part": part, "label": label, **found})


def _found(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """The last line that a child prints, or why there is none."""
    try:
        done = subprocess.run(
            [sys.executable, *command],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=_MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {_MOST_SECONDS} s"}
    lines = done.stdout.splitlines()
    if done.returncode == 0 and lines:
        return dict(json.loads(lines[-1]))
    print(done.stderr[-3000:], file=sys.stderr)
    return {"error": (done.stderr.strip().splitlines() or ["?"])[-1][:300]}


def images(bench: Bench) -> None:
    """The anchors' job: bound, loader, hand-tuned loop, us in three ways, peers."""
    rows = bench.rows(204_800, 1_024)
    bench.child("images", "model only", job="images", runner="model only", rows=256)
    bench.child("images", "loader only", job="images", runner="loader only", rows=rows)
    bench.child("images", "ours, unchanged processor", job="images", rows=rows)
    bench.child("images", "ours, save .safetensors", job="images", rows=rows, kind="e.safetensors")
    bench.child("images", "ours, save .parquet", job="images", rows=rows, kind="e.parquet")
    tuned = "tuned loop" if bench.device == "cuda" else "plain loop"
    bench.child("images", tuned, job="images", runner=tuned, rows=rows)
    _peers(bench, "images", rows)


def compiled(bench: Bench) -> None:
    """Two shards of one run: the first compiles, the second loads what it kept."""
    rows = bench.rows(204_800, 512)
    with tempfile.TemporaryDirectory() as folder:
        for shard, label in enumerate(["compiles", "loads kept code"]):
            env = _pod_environment(folder, shards=2) | {
                "BATCHPROCESS_SHARD": str(shard),
                "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor-{shard}",
            }
            bench.child(
                "compiled",
                f"ours, compiled: {label}",
                env,
                job="images",
                rows=rows,
                kind="e.safetensors",
                prepare={"compile": bench.options.mode},
                share=2,
            )


def s3(bench: Bench) -> None:
    """The same job with its output on an S3 server of this machine, and on the disk again."""
    rows = bench.rows(204_800, 512)
    for turn in range(bench.options.turns):
        bench.child("s3", f"disk {turn}", job="images", rows=rows, kind="e.safetensors")
        with server(bench.options.s3) as (uri, env):
            if uri is None:
                print("s3        no versitygw: left out (give --s3 PATH)", flush=True)
                return
            given = {"job": "images", "kind": "e.safetensors"}
            bench.warm(env, **given, rows=bench.rows(5_120, 128), uri=f"{uri}-before")
            bench.child("s3", f"S3 {turn}", env, **given, rows=rows, uri=uri)


def text(bench: Bench) -> None:
    """Texts of many lengths through a small encoder; rates in real tokens."""
    try:
        import transformers  # noqa: F401
    except ImportError:
        print("text      no transformers: left out", flush=True)
        return
    rows = bench.rows(49_152, 128)
    bench.warm(job="text", rows=rows)  # all of them: each length has kernels of its own
    bench.child("text", "model only", job="text", runner="model only", rows=4_096)
    bench.child("text", "ours, unchanged processor", job="text", rows=rows)
    bench.child("text", "ours, save .safetensors", job="text", rows=rows, kind="e.safetensors")
    grouped = {"job": "text by length", "kind": "e.safetensors", "rows": rows}
    bench.warm(**grouped)
    bench.child("text", "ours, save .safetensors, by_length", **grouped)
    _peers(bench, "text", rows)


def small(bench: Bench) -> None:
    """Batches of a millisecond, and of next to nothing: what the loop itself costs."""
    for job, batches in (("ms", 5_000), ("tiny", 20_000)):
        rows = bench.rows(batches * 16, 2_000 * 16)
        bound = bench.child("small", f"{job}: model only", job=job, runner="model only", rows=64)
        plain = "plain loop" if bench.device == "cpu" else "Accelerate"
        for label, runner in (("ours", "ours"), (plain, plain)):
            found = bench.child(
                "small",
                f"{job}: {label}",
                job=job,
                runner=runner,
                rows=rows,
                kind="silent",
                workers=4 if bench.device == "cuda" else 0,
            )
            if found and bound:
                found = {"overhead_us": found["batch_us"] - bound["batch_ms"] * 1e3}
                bench.add("small", f"{job}: {label}, on top of the model", found)


def jpeg(bench: Bench) -> None:
    """JPEG files decoded by the loader: bound by it."""
    rows = bench.rows(24_576, 512)
    bench.child("jpeg", "loader only", job="jpeg", runner="loader only", rows=rows)
    bench.child("jpeg", "ours, unchanged processor", job="jpeg", rows=rows)
    bench.child("jpeg", "ours, save .safetensors", job="jpeg", rows=rows, kind="e.safetensors")


def memory(bench: Bench) -> None:
    """Peaks after 1,000 batches and after 100,000 (scaled)."""
    for batches in (1_000, max(2_000, int(100_000 * bench.options.scale))):
        bench.child(
            "memory",
            f"{batches:,} batches",
            job="tiny",
            rows=batches * 16,
            kind="e.jsonl",
            workers=4,
        )


def pod(bench: Bench) -> None:
    """One child on one GPU, then one a GPU in one pod, each with as much to do."""
    gpus = torch.cuda.device_count() if bench.device == "cuda" else 2
    if gpus == 1:
        print("pod       one GPU: left out", flush=True)
        return
    rows = bench.rows(153_600, 512)
    for children in (1, gpus):
        found = _agent(bench, children, rows)
        bench.add("pod", f"{children} GPUs in one pod", found)
        print(f"{'pod':9} {children} children  {report.brief(found)}", flush=True)


def _agent(bench: Bench, children: int, rows: int) -> dict[str, Any]:
    given = {
        "device": bench.device,
        "workers": bench.workers,
        "job": "images",
        "rows": rows * children,
        "kind": "e.safetensors",
        "runner": "ours",
        "share": children,
    }
    with tempfile.TemporaryDirectory() as folder:
        env = _pod_environment(folder, shards=children, children=children)
        command = ["python", str(HERE / "child.py"), json.dumps(given)]
        done = subprocess.run(
            [sys.executable, "-m", "batchprocess.agent", "--", *command],
            env={**os.environ, **env, "BENCH_OUT": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        said = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    if done.returncode or len(said) != children:
        print(done.stderr[-3000:], file=sys.stderr)
        return {"error": done.stderr.strip().splitlines()[-1][:300]}
    begin, end = (
        min(one["began"] for one in said),
        max(one["began"] + one["seconds"] for one in said),
    )
    return {
        "seconds": end - begin,
        "rate": rows * children / (end - begin),
        "first_batch": max(one["began"] - begin + one["first_batch"] for one in said),
        "children": said,
    }


def _pod_environment(folder: str, *, shards: int, children: int = 1) -> dict[str, str]:
    return {
        "BATCHPROCESS_JOB": "20260101T000000Z-bench",
        "BATCHPROCESS_JOB_NAME": "bench",
        "BATCHPROCESS_RUN_URI": f"{folder}/run",
        "BATCHPROCESS_SHARDS": str(shards),
        "BATCHPROCESS_PROCESSES_PER_WORKER": str(children),
        "BATCHPROCESS_GPUS": str(children),
    }


def _peers(bench: Bench, job: str, rows: int) -> None:
    for peer in PEERS if bench.device == "cuda" or bench.options.peers else []:
        bench.child(job, peer, job=job, runner=peer, rows=rows)


def touch_memory(bench: Bench) -> None:
    """Use much memory once: virtual machines get it page by page, slowly, at the first touch."""
    if bench.device == "cuda":
        began = time.monotonic()
        blocks = [np.ones(1 << 27) for _ in range(bench.options.touch)]
        del blocks
        print(f"touched {bench.options.touch} GB in {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--match", default="", help="run only what this pattern finds in its name")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=12, help="loader processes")
    parser.add_argument("--mode", default="default", help="torch.compile's, for `compiled`")
    parser.add_argument("--turns", type=int, default=1, help="of disk and S3, in turn")
    parser.add_argument("--touch", type=int, default=40, help="GB of memory, before all")
    parser.add_argument("--peers", action="store_true", help="on the CPU too")
    parser.add_argument("--s3", default="versitygw", help="the server's program")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    bench = Bench(parser.parse_args())
    touch_memory(bench)
    for part in bench.options.only.split(","):
        globals()[part](bench)
        report.write(bench.options.out, bench.device, bench.results, bench.options.scale)
    print(report.table(bench.results))


if __name__ == "__main__":
    main()
