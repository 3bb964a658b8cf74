"""A file of rows to leave out is a person's: it is read with patience, and refused by its line."""

from pathlib import Path

import pytest

from batchprocess.cli.rows.skipped_rows import read_skipped_rows, require_few
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.rows.settings import MAX_SKIPPED


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "rows.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_numbers_are_read_one_a_line_each_once(tmp_path: Path) -> None:
    text = "# why\r\n17\r\n\n  3  # one\n17\n9007199254740991\n0"
    assert read_skipped_rows(written(tmp_path, text)) == [0, 3, 17, 9007199254740991]


@pytest.mark.parametrize(
    "line", ["-1", "1.5", "1,2", "1 2", "x", "\u0663", "9007199254740992", "9" * 5_000, "1_0", "+1"]
)
def test_what_is_no_row_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidArgument, match="line 2 is '.* and must be the number of a row"):
        read_skipped_rows(written(tmp_path, f"1\n{line}\n"))


def test_a_file_that_is_too_large_or_none_is_refused(tmp_path: Path) -> None:
    assert read_skipped_rows(written(tmp_path, "7\n".ljust(1 << 20))) == [7]
    with pytest.raises(InvalidArgument, match="has more than 1048576 bytes"):
        read_skipped_rows(written(tmp_path, "7\n".ljust((1 << 20) + 1)))
    with pytest.raises(InvalidArgument, match="No such file"):
        read_skipped_rows(tmp_path / "none")
    with pytest.raises(InvalidArgument, match="has no row"):
        read_skipped_rows(written(tmp_path, "# nothing\n"))
    with pytest.raises(InvalidArgument, match="line 1 is"):
        read_skipped_rows(written(tmp_path, b"\xff\xfe1\n"))


def test_there_are_so_many_and_no_more() -> None:
    assert require_few([*range(MAX_SKIPPED)]) == [*range(MAX_SKIPPED)]
    with pytest.raises(InvalidArgument, match="1001 rows are left out by hand, and 1000 may be"):
        require_few([*range(MAX_SKIPPED + 1)])
