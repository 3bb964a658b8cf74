"""Tables, streams and file names given as a dataset: what each is, and what to give instead.

Known by the names of their classes, so that nobody's library is imported to find out.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from torch.utils.data import IterableDataset

from batchprocess.protocol.errors import WrongType

_ROWS = "a class with __len__ and __getitem__ that reads row i"
_COLUMNS = "a table, of which [i] is no row"
_FROM_FRONT = "read from its front only, so that a restart could not find its place"
_FILES = "datasets.load_dataset('parquet', data_files=[...], split='train')"
_KINDS: dict[tuple[str, str], tuple[str, str]] = {
    ("pandas", "DataFrame"): (
        _COLUMNS,
        "datasets.Dataset.from_pandas(frame), or frame.to_dict('records')",
    ),
    ("polars", "DataFrame"): (
        _COLUMNS,
        "datasets.Dataset.from_polars(frame), or frame.to_dicts()",
    ),
    ("polars", "LazyFrame"): (
        "a query that has not run",
        "datasets.Dataset.from_polars(frame.collect())",
    ),
    **{
        (library, "DataFrame"): (
            _COLUMNS,
            "datasets.Dataset.from_pandas(frame) of the pandas frame that it makes",
        )
        for library in ("cudf", "dask", "dask_expr", "modin", "pyspark", "vaex")
    },
    ("pyarrow", "Table"): (_COLUMNS, "datasets.Dataset(table), or table.to_pylist()"),
    ("pyarrow", "RecordBatch"): (_COLUMNS, "batch.to_pylist()"),
    ("pyarrow", "Dataset"): ("a set of files", _FILES),
    ("pyarrow", "ParquetFile"): ("a file", _FILES),
    ("pyarrow", "ParquetDataset"): ("a set of files", _FILES),
    ("datasets", "IterableDataset"): (
        f"a stream, {_FROM_FRONT}",
        "what load_dataset returns without streaming=True",
    ),
    ("tensorflow", "DatasetV2"): (f"a stream, {_FROM_FRONT}", _ROWS),
    ("ray", "Dataset"): (
        "a set of blocks, of which [i] is no row",
        f"write_parquet it, then {_FILES}",
    ),
}
"""By library and class: what it is, and what to give instead."""
_OF_NAMED_ARRAYS = {"h5py", "numpy", "zarr"}
"""Libraries of files that are mappings of arrays by name."""


def refuse_foreign(dataset: Any, *, collated: bool) -> None:
    """Raise WrongType for what is known to give no rows by number.

    collated: whether a `collate_fn` was given, which may make a batch of anything.
    """
    found = _kind_of(dataset, collated=collated)
    if found is not None:
        what, instead = found
        raise WrongType(
            f"{type(dataset).__qualname__} cannot be read row by row: it is {what}; give {instead}"
        )


def _kind_of(dataset: Any, *, collated: bool) -> tuple[str, str] | None:
    for library, name in _names_of(dataset):
        if library == "datasets" and name in {"DatasetDict", "IterableDatasetDict"}:
            return _splits(dataset, streamed=name == "IterableDatasetDict")
        if (library, name) in _KINDS:
            return _KINDS[library, name]
    if isinstance(dataset, IterableDataset) or _is_iterator(dataset):
        return f"a stream, {_FROM_FRONT}", f"{_ROWS}, or list(...) of it if memory holds all rows"
    if isinstance(dataset, str | bytes | PurePath):
        return f"a name, {str(dataset)!r:.100}", f"what reads it: {_FILES}, or {_ROWS}"
    if isinstance(dataset, Mapping) and _is_by_name(dataset):
        return _mapping(dataset)
    return None if collated else _paths(dataset)


def _is_by_name(dataset: Mapping[Any, Any]) -> bool:
    """What has a `[]` of its own may well give rows by number."""
    plain = isinstance(dataset, dict) and type(dataset).__getitem__ is dict.__getitem__
    return plain or any(library in _OF_NAMED_ARRAYS for library, _ in _names_of(dataset))


def _names_of(dataset: Any) -> Iterator[tuple[str, str]]:
    for one in type(dataset).__mro__:
        yield one.__module__.partition(".")[0], one.__qualname__


def _splits(dataset: Any, *, streamed: bool) -> tuple[str, str]:
    names = list(dataset)
    loaded = "load it without streaming=True, and " if streamed else ""
    first = names[0] if names and "train" not in names else "train"
    return f"the splits {names} of one", f"{loaded}one of them, as dataset[{first!r}]"


def _is_iterator(dataset: Any) -> bool:
    return hasattr(dataset, "__next__") and not hasattr(dataset, "__getitem__")


def _mapping(dataset: Mapping[Any, Any]) -> tuple[str, str] | None:
    if not dataset or 0 in dataset:
        return None
    keys = list(dataset)[:10]
    return f"a mapping with the keys {keys!r:.200}", f"one of its values, or {_ROWS}"


def _paths(dataset: Any) -> tuple[str, str] | None:
    # A subclass may raise for a row, which is then one that may be bad, and not looked at here.
    if type(dataset) in (list, tuple) and dataset and isinstance(dataset[0], PurePath):
        what = f"a list of paths, of which torch makes no batch (row 0 is {str(dataset[0])!r:.100})"
        return what, (
            "[str(path) for path in paths] for process_batch to open, a collate_fn in "
            f"dataloader_kwargs, or {_ROWS}"
        )
    return None
