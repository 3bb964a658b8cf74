"""Time and memory of large runs; `python -m benchmarks.large_runs --help`."""

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from batchprocess.protocol.environment import S3Settings
from benchmarks.large_runs import figures, made_runs
from benchmarks.large_runs.memory import peak_of

PARTS = ("calls", "files", "upload", "metrics", "head")


def main() -> None:
    """Print what was asked for, with the machine's load before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--shards", type=int, default=400, help="with two files each")
    parser.add_argument("--milliseconds", type=float, default=50, help="of every call to storage")
    parser.add_argument("--files", type=int, default=1_000_000, help="in the ledgers of 100 shards")
    parser.add_argument("--s3", help="s3://bucket/prefix for the upload, with AWS_* variables")
    parser.add_argument("--endpoint")
    options = parser.parse_args()
    wanted = options.parts or PARTS
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="large-runs-") as folder:
        root = Path(folder)
        if "calls" in wanted:
            _calls(root / "calls", options.shards, options.milliseconds / 1000)
        if "files" in wanted:
            _files(root / "files", options.files)
        if "upload" in wanted and options.s3:
            _upload(root / "file", options.s3, S3Settings(endpoint=options.endpoint))
    if "metrics" in wanted:
        before, peak, _ = peak_of(figures.report_metrics, 1_000_000)
        print(f"a million report_metrics calls: {peak - before} MiB")
    if "head" in wanted:
        for length in (1, 100, 10_000, 1_000_000):
            print(figures.head_reads(length))


def _calls(root: Path, shards: int, seconds: float) -> None:
    made_runs.begin(root, shards, 2)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(made_runs.work, root, files=2), range(shards), chunksize=8))
    print(f"{shards} shards of two files, {seconds * 1000:.0f} ms a call")
    for line in figures.calls(root, seconds):
        print(f"  {line}")


def _files(root: Path, files: int) -> None:
    shards, commits = 100, 10
    made_runs.begin(root, shards, commits)
    each = files // (shards * commits)
    with ProcessPoolExecutor() as pool:
        write = partial(made_runs.write_ledger, root, commits=commits, files=each)
        list(pool.map(write, range(shards)))
    print(f"{each * shards * commits} files in {shards} shards of {commits} commits")
    for call in (figures.finish_unwritten, figures.list_unwritten):
        before, peak, said = peak_of(call, root, commits, each)
        print(f"  {said}; {peak} MiB at most, {before} before")


def _upload(file: Path, uri: str, s3: S3Settings) -> None:
    file.write_bytes(os.urandom(1 << 20) * 30)
    before, peak, said = peak_of(figures.upload, uri, s3, file, 40)
    print(f"{said}; {peak} MiB at most, {before} before")


if __name__ == "__main__":
    main()
