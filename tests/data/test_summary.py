"""What `plan` shows of an input: files, rows as they are, files that cannot be read, heads."""

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from batchprocess.data import concat, files, jsonl, text
from batchprocess.data.summary import (
    LOOK_SECONDS,
    MAX_FILES_LOOKED_AT,
    MAX_UNREADABLE,
    SAMPLE_ROWS,
    summary_of,
)
from batchprocess.protocol.inputs.summary import InputSummary
from data.conftest import Input


def summarized(dataset: object, **given: object) -> InputSummary:
    found = summary_of(dataset, **{"starts": [0], "processes": 1, **given})  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.slow
def test_of_files_and_objects_number_bytes_and_first_rows_are_told(place: Input) -> None:
    place.write("in/a.jsonl", b'{"n": 1}\n')
    place.write("in/b.jsonl", '{"n": 2, "t": "é"}\n\n{"n": [3]}\n{"n": 4}\n'.encode())
    found = summarized(jsonl(f"{place.uri}/in/"))
    assert (found.files, found.bytes, found.looked) == (2, 50, 2)
    names = [one.id.rpartition("/")[2] for one in found.sample]  # in a bucket the key is longer
    texts = [one.text for one in found.sample]
    assert list(zip(range(3), names, texts, strict=True)) == [
        (0, "a.jsonl:0", '{"n": 1}'),
        (1, "b.jsonl:0", '{"n": 2, "t": "é"}'),
        (2, "b.jsonl:1", '{"n": "[3]"}'),
    ]
    assert (found.unreadable, found.packed) == ((), None)


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_named_once_and_the_others_are_told(place: Input) -> None:
    place.write("in/a.jsonl", b"{bad\x1b[2J}\n")
    place.write("in/b.jsonl", b'{"n": 2}\n')
    place.write("in/c.jsonl", b"[]\n")
    found = summarized(concat(jsonl(f"{place.uri}/in/b*"), jsonl(f"{place.uri}/in/[ac]*")))
    assert [one.row for one in found.sample] == [0]
    assert [one.file for one in found.unreadable] == [
        f"{place.uri}/in/a.jsonl",
        f"{place.uri}/in/c.jsonl",
    ]
    assert "is no JSON" in found.unreadable[0].error
    assert "\x1b" not in found.unreadable[0].error
    assert (found.files, found.looked) == (3, 3)


def test_of_many_files_some_from_all_parts_are_looked_into(
    folder: Callable[..., Path],
) -> None:
    names = [f"{number:03}.bin" for number in range(100)]
    asked = list[bytes]()
    source = folder(*names)
    found = summarized(files(str(source), decode=asked.append))
    assert found.looked == MAX_FILES_LOOKED_AT
    looked = asked[SAMPLE_ROWS:]
    assert len(set(looked)) == MAX_FILES_LOOKED_AT
    assert looked[-1] > b"09"
    found = summarized(files(str(source), decode=lambda content: 1 // 0))
    assert len(found.unreadable) <= MAX_UNREADABLE + SAMPLE_ROWS
    assert found.sample == ()
    clock = itertools.count(0.0, LOOK_SECONDS / 5)
    assert summarized(files(str(source)), clock=lambda: next(clock)).looked == 4


def test_what_is_unpacked_only_to_come_to_a_first_row_is_told(tmp_path: Path) -> None:
    line = b"x" * 1023 + b"\n"
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(line * 4096, 1))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(line * 2048, 1) * 2)
    (tmp_path / "c.txt").write_bytes(line * 10)
    reader = text([str(tmp_path / name) for name in ("a.txt.gz", "b.txt.gz", "c.txt")])
    starts = [0, 2048, 4096, 4096 + 2048, 8192 + 5]
    found = summarized(reader, starts=starts, processes=3).packed
    assert found is not None
    assert found.files == 1
    assert found.most == 2 << 20
    assert found.total == 3 * found.most
    behind = summarized(concat(text(str(tmp_path / "c.txt")), reader), starts=[10 + 2048]).packed
    assert behind is not None
    assert behind.most == found.most


def test_datasets_without_files_have_none(tmp_path: Path) -> None:
    assert summary_of([1, 2], [0], 1) is None


def test_a_long_id_and_a_long_error_are_cut(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": "%s"}\n' % ("x" * 2000))
    (one,) = summarized(jsonl(tmp_path / "a.jsonl", id="n")).sample
    assert (len(one.id), one.id[-4:]) == (1000, "x...")

    def decode(_content: bytes) -> None:
        raise ValueError("y" * 2000)

    (bad,) = summarized(files(str(tmp_path / "a.jsonl"), decode=decode)).unreadable
    assert (len(bad.error), bad.error[-4:]) == (300, "y...")


def test_a_named_column_that_no_row_has_is_told_and_one_that_some_have_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": null}\n' * 5)
    (tmp_path / "b.jsonl").write_text('{"id": 2, "text": "b"}\n')
    names = ["id", "tekst", "text"]
    assert summarized(jsonl(str(tmp_path), columns=names)).empty == ("tekst",)
    many = [f"{number}" for number in range(30)]
    assert summarized(jsonl(str(tmp_path), columns=many)).empty == tuple(many[:20])
    assert summarized(jsonl(str(tmp_path))).empty == ()


def test_nothing_is_told_of_columns_where_no_row_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{bad\n")
    assert summarized(jsonl(str(tmp_path), columns=["text"])).empty == ()
