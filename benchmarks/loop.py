"""What our loop costs over a bare DataLoader loop, on CPU, in one run.

`python benchmarks/loop.py` prints microseconds a batch for a processor that does nothing, both
ways in turn, and the peak memory growth between the first and the last tenth of the batches.
Target: at most 60 us a batch, memory flat.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from batchprocess import TorchBatchProcessor, TorchBatchProcessorContext, torch_batch_process


class Nothing(TorchBatchProcessor):
    """Touches nothing, so that only the loop is left."""

    def __init__(self, context: TorchBatchProcessorContext) -> None:
        self.seen = 0
        self.early = 0
        self.tenth = int(os.environ["LOOP_BATCHES"]) // 10

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        self.seen += 1
        if self.seen == self.tenth:
            self.early = peak_kib()

    def on_finish(self) -> None:
        print(f"memory {peak_kib() - self.early}", file=sys.stderr)


def peak_kib() -> int:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def dataset(batches: int) -> TensorDataset:
    """Rows of one float, eight a batch."""
    return TensorDataset(torch.zeros(batches * 8, 1))


def bare(batches: int) -> None:
    """The loop that anyone would write."""
    for number, _batch in enumerate(DataLoader(dataset(batches), batch_size=8)):
        if number + 1 == batches:
            return


def ours(batches: int) -> None:
    """The same work through torch_batch_process, a checkpoint every 1,000 batches."""
    torch_batch_process(Nothing, dataset(batches), batch_size=8, checkpoint_interval=1_000)


def child(which: str, batches: int) -> None:
    """One timed run in a process of its own; seconds on stdout."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"BATCHPROCESS_OUTPUT": folder, "LOOP_BATCHES": str(batches)}
        began = time.perf_counter()
        {"bare": bare, "ours": ours}[which](batches)
        print(time.perf_counter() - began)


def timed(which: str, batches: int) -> tuple[float, str]:
    """Seconds and notes of one run in a fresh process."""
    command = [sys.executable, str(Path(__file__)), "--child", which, "--batches", str(batches)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    notes = [line for line in done.stderr.splitlines() if line.startswith("memory")]
    return float(done.stdout.splitlines()[-1]), " ".join(notes)


def main() -> None:
    """Alternate both loops and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", choices=["bare", "ours"])
    options = parser.parse_args()
    if options.child:
        child(options.child, options.batches)
        return
    rounds, batches = options.rounds, options.batches
    pairs = [(timed("bare", batches), timed("ours", batches)) for _ in range(rounds)]
    each = [bare_run[0] / batches * 1e6 for bare_run, _ in pairs]
    over = [(our_run[0] - bare_run[0]) / batches * 1e6 for bare_run, our_run in pairs]
    print(f"bare loop   {statistics.median(each):7.1f} us a batch, median of {rounds}")
    print(
        f"ours on top {statistics.median(over):7.1f} us a batch, {min(over):.1f} to {max(over):.1f}"
    )
    print(f"{pairs[-1][1][1]} KiB more at the peak of the last 90 % of {batches} batches")


if __name__ == "__main__":
    main()
