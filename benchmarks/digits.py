"""What checkpoints every 10 batches cost on the digits job, against a loop written by hand.

`python benchmarks/digits.py` runs the example's processor over its scans, many times over, both
ways in turn. The loop by hand does the same work on each batch and writes and fsyncs the same lines
every 10 batches; it claims nothing, records nothing and can't go on after a kill. Time counts from
the first batch to the last one, all commits but the seal within; start and end are startup.py's.
`--work` adds milliseconds to each batch, as a larger model would: the example's takes next to none.
Target: at most 1 %.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.data import ConcatDataset, DataLoader

from batchprocess import torch_batch_process

DIGITS = Path(__file__).parents[1] / "examples" / "digits"
sys.path.insert(0, str(DIGITS))

from inference import InferenceProcessor, dataset  # noqa: E402  the example is no package

INTERVAL, BATCH = 10, 32
WORK = float(os.environ.get("DIGITS_WORK_MS", "0")) / 1e3


def rows(times: int) -> ConcatDataset[Any]:
    """The scans, `times` times."""
    return ConcatDataset([dataset()] * times)


class Working(InferenceProcessor):  # type: ignore[misc]
    """The example's, each batch of which takes longer."""

    began: ClassVar[float | None] = None
    ended: ClassVar[float] = 0.0

    def process_batch(self, batch: Any, batch_idx: int) -> None:
        if Working.began is None:
            Working.began = time.perf_counter()
        super().process_batch(batch, batch_idx)
        time.sleep(WORK)
        Working.ended = time.perf_counter()


class ByHand:
    """As much of a context as the processor needs; files are written durably."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare_model_for_inference(self, model: torch.nn.Module) -> torch.nn.Module:
        return model.eval()

    def wrap_reducer(self, reducer: Any, name: str) -> Any:
        reducer.reset()
        return reducer

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def upload_path(self) -> "ByHand":
        return self

    def __enter__(self) -> Path:
        self.made = Path(tempfile.mkdtemp(dir=self.folder))
        return self.made

    def __exit__(self, *_: object) -> None:
        for file in self.made.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())


def by_hand(folder: Path, times: int) -> None:
    """The loop that a careful person would write."""
    processor = Working(ByHand(folder))
    loader = DataLoader(rows(times), batch_size=BATCH)
    for number, batch in enumerate(loader):
        processor.process_batch(batch, number)
        if (number + 1) % INTERVAL == 0 or number + 1 == len(loader):
            processor.on_checkpoint_start()


def ours(folder: Path, times: int) -> None:
    """The same through torch_batch_process."""
    os.environ["BATCHPROCESS_OUTPUT"] = str(folder)
    torch_batch_process(Working, rows(times), batch_size=BATCH, checkpoint_interval=INTERVAL)


def timed(which: str, times: int, work: float) -> float:
    """Seconds from the first batch to the last of one run in a fresh process."""
    command = [sys.executable, __file__, "--child", which, "--times", str(times)]
    env = {**os.environ, "DIGITS_WORK_MS": str(work)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Alternate both and print medians for each amount of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="passes over the 1,797 scans")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=float, nargs="*", default=[0.0, 5.0, 20.0])
    parser.add_argument("--child", choices=["hand", "ours"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        with tempfile.TemporaryDirectory() as folder:
            {"hand": by_hand, "ours": ours}[options.child](Path(folder), options.times)
            print(Working.ended - (Working.began or 0.0))
        return
    batches = -(-1797 * options.times // BATCH)
    for work in options.work:
        pairs = [
            (timed("hand", options.times, work), timed("ours", options.times, work))
            for _ in range(options.rounds)
        ]
        hand = statistics.median(one for one, _ in pairs)
        more = statistics.median(mine / one - 1 for one, mine in pairs)
        print(f"{1e3 * hand / batches:6.2f} ms a batch by hand; ours takes {100 * more:+.1f} %")


if __name__ == "__main__":
    main()
