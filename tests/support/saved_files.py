"""Files as `context.save` makes them, for tests of their formats."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import safetensors

from batchprocess.sdk.save.saver import Saver

FORMATS = ["parquet", "safetensors", "npy", "jsonl"]
IDS = {"integers": [7, 8, 9, 10], "texts": ["a", "b", "ü", "d/e"]}


def save_twice(folder: Path, name: str, columns, ids) -> dict[str, Path]:
    """Two batches of two rows under one name, as one interval."""
    saver = Saver(folder)
    for rows in (slice(0, 2), slice(2, 4)):
        saver.save(name, {key: values[rows] for key, values in columns.items()}, ids[rows])
    saved = saver.cut_files()
    files = saved.files.result()
    assert saved.names == files.keys()
    saver.close()
    return files


def ids_in(path: Path) -> list[object]:
    """The ids that a file of `rows` holds."""
    match path.suffix:
        case ".parquet":
            return pq.read_table(path)["id"].to_pylist()
        case ".npy":
            return np.load(path.with_suffix(".ids.npy")).tolist()
        case ".jsonl":
            return [json.loads(line)["id"] for line in path.read_text().splitlines()]
    with safetensors.safe_open(path, "pt") as opened:
        assert opened.get_tensor("rows").shape[1:] == (2,)
        texts = (opened.metadata() or {}).get("id")
        return opened.get_tensor("id").tolist() if texts is None else json.loads(texts)
