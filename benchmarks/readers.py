"""Reading files by `batchprocess.data` beside plain loops, in one run.

`python benchmarks/readers.py` makes a file of JSON lines, plain and packed by gzip, one of CSV, one
of Parquet and a tar of samples with the same texts in a temporary folder. It prints, each time the
best of three, how long a plain loop and a reader take for all batches of 256 as columns, in one
process, and how long counting rows takes beside `wc -l`. Targets: readers at 0.9 or more of the
plain loop's speed.
"""

import argparse
import csv as csv_module
import gzip
import io
import itertools
import json
import random
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from batchprocess.data import csv, jsonl, parquet, tar
from batchprocess.data.index.build import build_index
from batchprocess.data.index.wanted import wanted_of
from batchprocess.data.row_dataset import RowDataset
from batchprocess.runs.patience import ATTENDED
from batchprocess.sdk.input.columns import columns

BATCH = 256


def main() -> None:
    """Make the files, run everything, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=400_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as made:
        lines, table = Path(made, "a.jsonl"), Path(made, "a.parquet")
        write(lines, table, rows)
        packed, records, samples = (
            Path(made, "a.jsonl.gz"),
            Path(made, "a.csv"),
            Path(made, "a.tar"),
        )
        write_more(lines, packed, records, samples)
        print(f"{rows:,} rows: {lines.stat().st_size / 1e6:.0f} MB of JSON lines, "
              f"{table.stat().st_size / 1e6:.0f} MB of Parquet")  # fmt: skip
        show("wc -l", best(lambda: wc(lines)))
        show("counting the lines", best(lambda: count(lines, "lines that are not blank")))
        show("counting them packed", best(lambda: count(packed, "lines that are not blank")))
        show("counting CSV", best(lambda: count(records, "csv")))
        show("counting the samples", best(lambda: count(samples, "tar")))
        compare("jsonl", lambda: plain_lines(lines, open), jsonl(lines))
        compare("jsonl.gz", lambda: plain_lines(packed, gzip.open), jsonl(packed))
        compare("csv", lambda: plain_csv(records), csv(records))
        compare("tar", lambda: plain_tar(samples), tar(samples))
        compare("parquet", lambda: plain_parquet(table), parquet(table))


def write(lines: Path, table: Path, rows: int) -> None:
    """Texts of 1 to 480 characters with a number each; the same with a vector of 64."""
    drawn = random.Random(0)
    texts = ["lorem ipsum " * drawn.randrange(1, 40) for _ in range(rows)]
    with lines.open("w") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": number, "text": text, "score": number / 7}) + "\n")
    flat = np.random.default_rng(0).random(rows * 64, np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), 64)
    made = pa.table({"id": np.arange(rows), "text": texts, "vector": vectors})
    pq.write_table(made, table, row_group_size=20_000)


def write_more(lines: Path, packed: Path, records: Path, samples: Path) -> None:
    """The same rows in other formats; every tenth text of CSV has quotes and a line feed in it."""
    with gzip.open(packed, "wb", compresslevel=6) as file:
        file.write(lines.read_bytes())
    with records.open("w", newline="") as file, tarfile.open(samples, "w") as made:
        writer = csv_module.writer(file)
        writer.writerow(["id", "text", "score"])
        for line in lines.open():
            row = json.loads(line)
            text = row["text"] + ('"said"\nso' if row["id"] % 10 == 0 else "")
            writer.writerow([row["id"], text, row["score"]])
            for extension, content in (("txt", row["text"]), ("json", line)):
                info = tarfile.TarInfo(f"{row['id']:08}.{extension}")
                info.size = len(content)
                made.addfile(info, io.BytesIO(content.encode()))


def wc(lines: Path) -> None:
    """As a person would count."""
    subprocess.run(["wc", "-l", str(lines)], check=True, capture_output=True)


def count(path: Path, rows: str) -> None:
    """As a reader does, without the start of its process."""
    with tempfile.TemporaryDirectory() as folder:
        build_index(wanted_of(path, rows), Path(folder), ATTENDED)


def batches(rows: Iterable[dict[str, Any]]) -> None:
    """As columns, one after the other."""
    rows = iter(rows)
    while batch := list(itertools.islice(rows, BATCH)):
        columns(batch)


def plain_lines(lines: Path, opener: Callable[..., Any]) -> None:
    """The loop that anyone would write."""
    with opener(lines, "rt") as file:
        batches(map(json.loads, file))


def plain_csv(records: Path) -> None:
    """By the standard library."""
    with records.open(newline="", encoding="utf-8-sig") as file:
        reader = csv_module.reader(file)
        names = next(reader)
        batches(dict(zip(names, row, strict=True)) for row in reader)


def plain_tar(samples: Path) -> None:
    """By the standard library, as a stream; members of one name are a sample."""
    with tarfile.open(samples, "r|") as file:
        members = itertools.groupby(file, lambda member: member.name.partition(".")[0])
        batches(
            {"__key__": key}
            | {one.name.partition(".")[2]: file.extractfile(one).read() for one in group}  # type: ignore[union-attr]
            for key, group in members
        )


def plain_parquet(table: Path) -> None:
    """pyarrow's own batches, as columns."""
    for batch in pq.ParquetFile(table).iter_batches(BATCH):
        batch["id"].to_numpy()
        batch["text"].to_pylist()
        batch["vector"].flatten().to_numpy()


def read(reader: RowDataset) -> None:
    """All batches of a reader."""
    rows = len(reader)
    for first in range(0, rows, BATCH):
        columns(reader.__getitems__(range(first, min(first + BATCH, rows))))


def compare(name: str, plain: Callable[[], None], reader: RowDataset) -> None:
    """In turn, so that what else the machine does falls on both."""
    len(reader)
    pairs = [(timed(plain), timed(lambda: read(reader))) for _ in range(3)]
    theirs, ours = (min(times) for times in zip(*pairs, strict=True))
    show(f"{name}, plain loop", theirs)
    show(f"{name}, reader", ours, f"{theirs / ours:.2f} of its speed")


def best(call: Callable[[], None]) -> float:
    """Of three."""
    return min(timed(call) for _ in range(3))


def timed(call: Callable[[], None]) -> float:
    """Seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def show(name: str, seconds: float, more: str = "") -> None:
    """One line."""
    print(f"  {name:<22} {seconds:6.2f} s  {more}")


if __name__ == "__main__":
    main()
