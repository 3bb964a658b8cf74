"""A folder becomes files of a ConfigMap, or a sentence that says what to do instead."""

from pathlib import Path

import pytest

from batchprocess.client.source.source_files import MAX_BYTES, read_source
from batchprocess.files_digest import folder_digest
from batchprocess.protocol.errors import InvalidArgument


def test_all_files_are_taken_but_hidden_ones_what_python_has_compiled_and_local_outputs(
    tmp_path: Path,
) -> None:
    (tmp_path / "inference.py").write_text("x = 1\n")
    (tmp_path / "weights.npz").write_bytes(b"\xff\x00")
    expected = folder_digest(tmp_path)
    (tmp_path / ".env").write_text("SECRET=1")
    for name in ("__pycache__", ".git", "batchprocess-runs/job", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "__pycache__" / "x.pyc").write_bytes(b"x")
    (tmp_path / "batchprocess-runs" / "job" / "latest").write_text("r")
    source = read_source(tmp_path)
    assert source.contents == {"inference.py": b"x = 1\n", "weights.npz": b"\xff\x00"}
    # As the worker finds it, and a run's records have it.
    assert source.digest == expected


def test_more_than_a_config_map_takes_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (MAX_BYTES - 1))
    (tmp_path / "b").write_bytes(b"x")
    assert len(read_source(tmp_path).contents) == 2
    (tmp_path / "c").write_bytes(b"x")
    with pytest.raises(InvalidArgument, match="more than 1048576 bytes.*into the job's image"):
        read_source(tmp_path)


def test_folders_with_files_and_names_that_are_no_keys_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a b.py").write_text("x")
    with pytest.raises(InvalidArgument, match=r"a file 'a b.py'.*rename it"):
        read_source(tmp_path)
    (tmp_path / "a b.py").unlink()
    (tmp_path / "package" / "inner").mkdir(parents=True)
    (tmp_path / "package" / "inner" / "x.py").write_text("x")
    with pytest.raises(InvalidArgument, match=r"a folder 'package'.*into the job's image"):
        read_source(tmp_path)


def test_what_is_no_folder_or_has_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="has no files"):
        read_source(tmp_path)
    with pytest.raises(InvalidArgument, match="is not a folder"):
        read_source(tmp_path / "none")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InvalidArgument, match=r"gone\.py of the source cannot be read: No such"):
        read_source(tmp_path)
