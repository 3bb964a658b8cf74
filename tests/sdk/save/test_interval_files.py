"""The files of one interval: one file a name, equal columns in it."""

from pathlib import Path

import pytest
import torch

from batchprocess.sdk.save.interval_files import IntervalFiles
from batchprocess.sdk.save.saver import Saver


def test_two_names_do_not_make_one_file(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.npy", {"a": torch.ones(1)}, [0])
    with pytest.raises(ValueError, match=r"would both make 'rows\.ids\.npy': rename one"):
        saver.save("rows.ids.npy", {"a": torch.ones(1)}, [0])
    saver.close()


def test_batches_of_one_file_have_equal_columns(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("rows.npy", {"a": torch.ones(1, 2)}, [0])
    with pytest.raises(ValueError, match=r"got id int64 \(\), a float32 \(3,\) now"):
        saver.save("rows.npy", {"a": torch.ones(1, 3)}, [1])
    saver.close()


def test_a_file_is_not_begun_over_one_of_another_name_that_its_folder_takes_for_the_same(
    tmp_path: Path,
) -> None:
    files = IntervalFiles(tmp_path)
    (tmp_path / "rows.jsonl").touch()
    with pytest.raises(ValueError, match=r"'rows.jsonl' and another name of this checkpoint"):
        files.add("rows.jsonl", [0], {"a": [1]})
