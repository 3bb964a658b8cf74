"""What a call of `context.save` costs its caller, with the rules of tables and without, in one run.

`python benchmarks/save.py` saves batches of 256 rows with one column under one name, in turn as a
run of today does (one schema for each name, a folder each) and as one from before there were
tables. It prints CPU time of the calling thread a call, the best and the middle of some rounds;
encoding goes on in another thread and does not count. Target: tables cost at most 3 us a call.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.save.table_schemas import TableSchemas

ROWS, CALLS = 256, 300


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for name in ("out.parquet", "out.safetensors", "out.jsonl"):
        found: dict[bool, list[float]] = {True: [], False: []}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(rounds):
                for tables in (True, False):
                    made = Path(folder, f"{number}-{tables}")
                    found[tables].append(microseconds(made, name, tables=tables))
        best = {tables: min(some) for tables, some in found.items()}
        middle = {tables: statistics.median(some) for tables, some in found.items()}
        line = ", ".join(
            f"{word} tables {best[tables]:.1f} us (middle {middle[tables]:.1f})"
            for word, tables in (("with", True), ("without", False))
        )
        print(f"{name:<16} {line}, more {best[True] - best[False]:.1f}")


def microseconds(folder: Path, name: str, *, tables: bool) -> float:
    """A call, of the thread that makes it."""
    saver = Saver(folder, schemas=TableSchemas(enforced=tables))
    saver.tables.in_use = tables
    column = torch.rand(ROWS)

    def save(call: int) -> None:
        saver.save(name, {"score": column}, range(call * ROWS, (call + 1) * ROWS))

    try:
        save(0)
        return timed(save)
    finally:
        cut = saver.cut_files()
        if cut is not None:
            cut.files.result()
        saver.close()


def timed(save: Callable[[int], None]) -> float:
    """Microseconds of CPU time a call."""
    began = time.thread_time()
    for call in range(1, CALLS):
        save(call)
    return 1e6 * (time.thread_time() - began) / (CALLS - 1)


if __name__ == "__main__":
    main()
