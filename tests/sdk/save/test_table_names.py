"""Names of `save` are tables: one part, and one format each."""

import pytest
import torch

from batchprocess.sdk.save.saver import Saver

ONE = {"x": torch.ones(1)}


@pytest.fixture
def saver(tmp_path):
    made = Saver(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("first", "second", "folder"),
    [
        ("rows.parquet", "rows.jsonl", "tables/rows"),
        ("rows.npy", "rows.ids.jsonl", "tables/rows.ids"),
        ("rows.ids.jsonl", "rows.npy", "tables/rows.ids"),
    ],
)
def test_two_formats_of_one_folder_are_refused_also_after_a_commit(saver, first, second, folder):
    saver.save(first, ONE, [0])
    saver.cut_files().files.result()
    with pytest.raises(ValueError, match=f"'{second}': the folder {folder} has files of '"):
        saver.save(second, ONE, [1])
    saver.save(first, ONE, [1])


def test_a_save_that_was_refused_makes_no_table(saver):
    with pytest.raises(ValueError, match="column 'x' has 1 rows, but there are 2 ids"):
        saver.save("rows.parquet", ONE, [0, 1])
    saver.save("rows.jsonl", ONE, [0])


def test_a_name_with_folders_is_refused_with_what_to_do(saver):
    with pytest.raises(ValueError, match=r"'sub/rows.npy' cannot name a table.*upload_path\(\)"):
        saver.save("sub/rows.npy", ONE, [0])


def test_a_name_that_files_beside_it_could_not_have_is_refused_in_the_call(saver):
    saver.save(f"{'a' * 236}.parquet", ONE, [0])
    assert saver.cut_files().files.result()
    with pytest.raises(ValueError, match="file name .* is not allowed: parts have 1 to 255 bytes"):
        saver.save(f"{'a' * 237}.parquet", ONE, [0])


def test_a_run_from_before_there_were_tables_takes_names_as_it_did(saver):
    saver.tables.in_use = False
    saver.save("sub/rows.npy", ONE, [0])
    saver.save("sub/rows.jsonl", ONE, [0])
    assert saver.cut_files().names == {"sub/rows.npy", "sub/rows.ids.npy", "sub/rows.jsonl"}
