"""What gives no rows by number is refused in one sentence that has the way out."""

from collections import UserDict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pytest
from torch.utils.data import IterableDataset, TensorDataset

from batchprocess.protocol.errors import WrongType
from batchprocess.sdk.setup.foreign_datasets import refuse_foreign


def fake(module: str, name: str, *bases: type) -> Any:
    """An object of a class that is called as that of a library which is not installed here."""
    return type(name, bases or (), {"__module__": module})


def frame(module: str) -> Any:
    return fake(module, "DataFrame")()


class Rows(IterableDataset):
    def __iter__(self):
        return iter(range(3))


class ByNumber(dict):
    def __getitem__(self, row):
        return row


TABLE = pa.table({"text": ["a", "b"]})
PANDAS = fake("pandas.core.frame", "DataFrame")
SPLITS = fake("datasets.dataset_dict", "DatasetDict", dict)
STREAMED = fake("datasets.dataset_dict", "IterableDatasetDict", dict)
REFUSED = {
    "pandas": (
        PANDAS(),
        "DataFrame cannot be read row by row: it is a table.*; give datasets.Dataset.from_pandas",
    ),
    "geopandas": (fake("geopandas", "GeoDataFrame", PANDAS)(), "give datasets.Dataset.from_pandas"),
    "polars": (frame("polars.dataframe.frame"), r"from_polars\(frame\), or frame.to_dicts"),
    "lazy": (fake("polars.lazyframe.frame", "LazyFrame")(), r"frame.collect\(\)"),
    "spark": (frame("pyspark.sql.dataframe"), "of the pandas frame that it makes"),
    "arrow": (
        TABLE,
        r"Table cannot be read row by row: it is a table, .*; give datasets.Dataset\(table\), or ",
    ),
    "record batch": (TABLE.to_batches()[0], "give batch.to_pylist"),
    "arrow dataset": (pyarrow.dataset.dataset(TABLE), "a set of files; give datasets.load_dataset"),
    "splits": (SPLITS(train=1, test=2), r"the splits \['train', 'test'\] .* as dataset\['train'\]"),
    "other splits": (SPLITS(dev=1), r"as dataset\['dev'\]"),
    "streamed splits": (STREAMED(train=1), "load it without streaming=True, and one of them"),
    "streamed": (
        fake("datasets.iterable_dataset", "IterableDataset")(),
        "is a stream, .*; give what load_dataset returns without streaming=True",
    ),
    "iterable": (
        Rows(),
        "Rows cannot be read .* a stream, .* restart .*; give a class with __len__ and",
    ),
    "generator": (
        (row for row in "ab"),
        r"generator cannot .* a stream.*, or list\(\.\.\.\) of it",
    ),
    "map": (map(str, [1]), "map cannot .* a stream"),
    "file": ("data/rows.parquet", "a name, 'data/rows.parquet'; give what reads it"),
    "path": (Path("rows.csv"), "a name, 'rows.csv'"),
    "mapping": ({"text": ["a"], "label": [1]}, r"a mapping with the keys \['text', 'label'\]"),
    "arrays": (
        fake("h5py._hl.files", "File", UserDict)(x=1),
        r"a mapping with the keys \['x'\]; give one of its values",
    ),
    "paths": ([Path("a.png")], r"a list of paths, .*'a.png'\); give \[str\(path\) for path in"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_gives_no_rows_is_told_what_to_give(kind: str) -> None:
    dataset, sentence = REFUSED[kind]
    with pytest.raises(WrongType, match=sentence) as refused:
        refuse_foreign(dataset, collated=False)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "dataset",
    [
        ["a.png", "b.png"],
        [1, 2],
        {0: "a", 1: "b"},
        TensorDataset(),
        fake("datasets.arrow_dataset", "Dataset")(),
        fake("mine", "Dataset")(),
        fake("mine", "Table")(),
        frame("mine"),
        ByNumber(a=1),
        range(4),
        [],
        {},
    ],
    ids=lambda given: type(given).__qualname__,
)
def test_what_a_plain_loop_reads_is_let_through(dataset: Any) -> None:
    refuse_foreign(dataset, collated=False)


def test_paths_are_rows_for_a_collate_fn() -> None:
    refuse_foreign([Path("a.png")], collated=True)


def test_no_row_is_read_that_could_be_a_bad_one() -> None:
    class Broken(list[int]):
        def __getitem__(self, row: Any) -> Any:
            raise ValueError(f"row {row} is broken")

    refuse_foreign(Broken([1, 2]), collated=False)
