"""Counting samples of tar files, and telling files that are not whole."""

import tarfile
from pathlib import Path

import pytest

from batchprocess.data.index.formats import count_tar
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.inputs.blocks import BlockCount
from data.index.formats.test_count_csv import known
from data.index.formats.test_tar_samples import packed

TWO = packed([("1.a", b"x" * 700), ("1.b", b""), ("2.a", b"")])


def test_each_sample_and_the_end_have_a_mark(tmp_path: Path) -> None:
    found = map(count_tar.TarFiles(["b"]).count, known(tmp_path, TWO, packed([])))
    assert [(one.rows, one.marks.tolist(), set(one.extensions)) for one in found] == [
        (2, [[0, 0], [1, 2048], [2, 2560]], {"a", "b"}),
        (0, [[0, 0]], set()),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (TWO[:2560], "is cut off behind byte 2560, .*: 1 samples are whole"),
        (TWO[:2700], "is cut off behind byte 2560, .*: 1 samples are whole"),
        (TWO[:2200], "is cut off behind byte 2048, .*: 0 samples are whole"),
        (TWO[:1000], "is cut off: 0 samples before it are whole"),
        (
            TWO + TWO,
            "has something else than a file at byte 2560 or behind, where its 2 samples end",
        ),
        (TWO[:2048] + b"x" * 4096, "has something else than a file at byte 2048"),
        (packed([("1.a", b""), ("2.a", b""), ("1.b", b"")]), "row 2 has the key of an earlier one"),
    ],
)
def test_a_file_that_is_not_whole_or_not_in_order_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    with pytest.raises(InvalidArgument, match=rf"0\.csv:? {sentence}"):
        count_tar.TarFiles(None).count(*known(tmp_path, content))


def test_columns_that_no_sample_has_are_refused() -> None:
    counts = [BlockCount(rows=2, extensions=("a",)), BlockCount(rows=2, extensions=("b",))]
    count_tar.refuse_unseen(["__key__", "a", "b"], counts)
    with pytest.raises(InvalidArgument, match="no sample has 'jpg'; there are __key__, a, b"):
        count_tar.refuse_unseen(["__key__", "jpg"], counts)


def test_names_that_are_all_extension_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_tar, "_MAX_EXTENSIONS", 3)
    content = packed([(f"image.{n}.jpg", b"") for n in range(5)], tarfile.USTAR_FORMAT)
    with pytest.raises(InvalidArgument, match="more than 3 extensions"):
        count_tar.TarFiles(None).count(*known(tmp_path, content))
    monkeypatch.setattr(count_tar, "_MAX_EXTENSIONS", 5)
    assert count_tar.TarFiles(None).count(*known(tmp_path, content)).rows == 1
