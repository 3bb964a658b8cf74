"""What a commit does about the schemas of its tables, before anything names their files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from batchprocess.ledger.tables.table_schemas import agree_on
from batchprocess.protocol.errors import Fenced, SchemaDiffers
from batchprocess.protocol.records import digest
from batchprocess.protocol.tables.table_schema import TableSchema, schema_key
from batchprocess.runs.patience import ATTENDED
from batchprocess.runs.perform import perform
from batchprocess.sdk.output.agreed_schemas import AgreedSchemas, require_types
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.save.table_schemas import TableSchemas, types_of
from support.storage.fake_storage import FakeMemoryStorage

KEY = schema_key("x.parquet")


class Attempt:
    """One attempt's saves and commits, without a ledger."""

    def __init__(self, folder: Path, store: FakeMemoryStorage) -> None:
        schemas = TableSchemas()
        self.saver = Saver(folder, schemas=schemas)
        self._agreed = AgreedSchemas(schemas, store, lambda: ATTENDED)
        self.files: dict[str, Path] = {}
        self.fenced = False

    def save(self, values, name: str = "x.parquet") -> None:
        self.saver.save(name, {"x": values}, list(range(len(values))))

    def cut(self) -> CommitContents:
        saved = self.saver.cut_files()
        assert saved is not None
        return CommitContents((0, 1), (0, 1), {}, saved, None, (), (), ())

    def commit(self) -> dict[str, str]:
        contents = self.cut()
        self.files = contents.paths()
        return self._agreed.settle(contents, self.owned)

    def owned(self):
        """Its shard is not another's."""
        if self.fenced:
            raise Fenced("a newer attempt owns shard 0")
        yield from ()


def stored(store: FakeMemoryStorage, kind: pa.DataType) -> None:
    """Another attempt has been first."""
    types = types_of("x.parquet", ("int64", ()), {"x": pa.array([], kind)})
    perform(agree_on(types.document("x.parquet")), store)


def test_the_first_commit_keeps_its_types_in_the_run_and_later_ones_ask_for_nothing(
    tmp_path: Path,
) -> None:
    attempt = Attempt(tmp_path, store := FakeMemoryStorage())
    attempt.save([1, 2])
    found = attempt.commit()
    assert found == {"x.parquet": digest(store.objects[KEY])}
    kept = TableSchema.model_validate_json(store.objects[KEY])
    assert [(one.name, one.type) for one in kept.columns] == [("id", "int64"), ("x", "int64")]
    store.objects.clear()
    attempt.save([3])
    assert attempt.commit() == found
    assert not store.objects


def test_of_two_attempts_with_other_types_one_is_refused_before_its_record(tmp_path: Path) -> None:
    store = FakeMemoryStorage()
    one, other = Attempt(tmp_path / "one", store), Attempt(tmp_path / "other", store)
    one.save([1])
    other.save([0.5])
    one.commit()
    with pytest.raises(SchemaDiffers) as caught:
        other.commit()
    assert str(caught.value) == (
        "'x.parquet': column 'x' has double here (a value is 0.5), and int64 in this run: convert "
        "it, or save it under another name; a table with other types is another run's (--fresh, or "
        "a new runId)"
    )


def test_equal_types_of_another_attempt_are_the_runs_however_they_were_written(
    tmp_path: Path,
) -> None:
    store = FakeMemoryStorage()
    stored(store, pa.int64())
    store.objects[KEY] = store.objects[KEY].replace(b"\n", b"")
    attempt = Attempt(tmp_path, store)
    attempt.save([1])
    assert attempt.commit() == {"x.parquet": digest(store.objects[KEY])}


def test_a_file_without_a_value_gets_the_runs_type(tmp_path: Path) -> None:
    stored(store := FakeMemoryStorage(), kind := pa.list_(pa.float32()))
    attempt = Attempt(tmp_path, store)
    attempt.save([None, []])
    attempt.commit()
    found = pq.read_table(attempt.files["x.parquet"])["x"]
    assert (found.type, found.to_pylist()) == (kind, [None, []])
    attempt.save([[torch.tensor(0.5)]])
    attempt.commit()


def test_without_any_type_the_commit_names_schema_and_nothing_is_kept(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, store := FakeMemoryStorage())
    attempt.save([None, {"a": []}])
    with pytest.raises(
        SchemaDiffers, match=r"column 'x\.a\[\]' has no value until this checkpoint"
    ):
        attempt.commit()
    assert not store.objects
    attempt.save([None])
    contents = attempt.cut()
    with pytest.raises(SchemaDiffers, match=r"schema=\{'x': 'float32'\}"):
        require_types(contents)


def test_lines_of_json_and_tables_without_rows_ask_for_no_schema(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, store := FakeMemoryStorage())
    attempt.save([None], "y.jsonl")
    attempt.save([])
    assert attempt.commit() == {}
    assert not store.objects


def test_who_has_lost_the_shard_says_nothing_of_a_new_table(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, store := FakeMemoryStorage())
    attempt.fenced = True
    attempt.save([1])
    with pytest.raises(Fenced):
        attempt.commit()
    assert not store.objects
