"""Datasets of Hugging Face's library as readers, by the real library where it is installed."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader

from batchprocess.data import concat, huggingface, text
from batchprocess.data.rows.arrow_rows import ArrowRows
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.setup.fingerprint import fingerprint


class _Datasets:
    """The library, once a test asks for something of it: it is more than a second of imports."""

    def __getattr__(self, name: str) -> Any:
        return getattr(pytest.importorskip("datasets"), name)


datasets = _Datasets()
pytestmark = pytest.mark.xdist_group("datasets")


def made(rows: int = 10) -> Any:
    columns = {"name": [f"n{n}" for n in range(rows)], "x": list(range(rows))}
    return datasets.Dataset.from_dict(columns, split="train")


def test_columns_are_those_of_arrow_in_any_order_of_rows() -> None:
    of = datasets.Features(
        {"x": datasets.Value("int32"), "v": datasets.List(datasets.Value("float32"))}
    )
    found = huggingface(datasets.Dataset.from_dict({"x": [1, 2], "v": [[0.5], [1.5]]}, features=of))
    rows = found.__getitems__([1, 0])
    assert type(rows) is ArrowRows
    assert [str(kind) for kind in rows.table.schema.types] == ["int32", "list<item: float>"]
    assert rows.table.to_pydict() == {"x": [2, 1], "v": [[1.5], [0.5]]}
    assert (len(found), found[-1]) == (2, {"x": 2, "v": [1.5]})


def test_rows_that_were_drawn_or_left_out_are_those_of_the_dataset() -> None:
    drawn = made().shuffle(seed=3).filter(lambda row: row["x"] % 2 == 0)
    found = huggingface(drawn, columns=["x"])
    assert [found[n] for n in range(len(found))] == [{"x": row["x"]} for row in drawn]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_processes_read_the_same(tmp_path: Path, method: str) -> None:
    made(100).save_to_disk(tmp_path / "kept")
    loader = DataLoader(
        huggingface(datasets.load_from_disk(tmp_path / "kept")),
        batch_size=7,
        num_workers=2,
        collate_fn=list,
        multiprocessing_context=method,
    )
    assert [row["x"] for batch in loader for row in batch] == list(range(100))


def test_ids_are_split_and_number_or_those_of_a_column() -> None:
    assert huggingface(made()).row_ids([3, -1]) == ["train:3", "train:9"]
    assert huggingface(made(), id="name").row_ids([3, -1]) == ["n3", "n9"]
    assert huggingface(made(), id="x").file_of(0) == "train"
    empty = datasets.Dataset.from_dict({"a": [""]})
    with pytest.raises(ValueError, match="row: row 0 has '' .str. as 'a', which is to be its id"):
        huggingface(empty, id="a")[0]


def test_the_fingerprint_is_the_datasets_and_of_the_columns() -> None:
    found = [
        fingerprint(one, len(one))
        for one in (
            huggingface(made()),
            huggingface(made(), columns=["x"]),
            huggingface(made(), id="x"),
            huggingface(made(11)),
        )
    ]
    assert {one.of for one in found} == {"huggingface"}
    assert len({one.value for one in found}) == 4
    assert found[0] == fingerprint(pickle.loads(pickle.dumps(huggingface(made()))), 10)


def test_it_stands_beside_other_readers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    found = concat(huggingface(made(2)), text(tmp_path / "a.txt"))
    assert found.row_ids(range(3)) == ["train:0", "train:1", "a.txt:0"]
    other = concat(huggingface(made(2), columns=["x"]), text(tmp_path / "a.txt"))
    assert found.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: {"train": made()}, "has splits: give one of them, train"),
        (lambda: datasets.DatasetDict(train=made()), "has splits: give one of them, train"),
        (lambda: made().to_iterable_dataset(), "load it with streaming=False"),
        (lambda: [1], "builtins.list is no datasets.Dataset"),
        (lambda: made().with_format("torch"), "has format 'torch'"),
        (lambda: made().with_transform(lambda rows: rows), "has format 'custom'"),
    ],
)
def test_what_cannot_be_read_as_it_is_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        huggingface(make())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"columns": ["y"]}, "has no column 'y'; it has name, x"),
        ({"id": "y"}, "has no column 'y'"),
        ({"columns": "x"}, "must be a list"),
        ({"columns": ["x"], "id": "name"}, "id 'name' is not among columns x"),
    ],
)
def test_columns_are_those_of_the_dataset(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        huggingface(made(), **given)
