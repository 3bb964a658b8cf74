"""What a person reads of an input before a job is run."""

from batchprocess.cli.plan_input import MANY_BYTES, lines, warnings
from batchprocess.protocol.inputs.summary import (
    InputSummary,
    PackedHeads,
    SampleRow,
    UnreadableFile,
)
from support.local_job import job


def test_files_and_rows_are_a_line_each() -> None:
    row = SampleRow(row=0, id="a:0", text='{"x": 1}')
    assert list(lines(InputSummary(files=1, bytes=2048, sample=(row,)))) == [
        "input: 1 file, 2.0 KiB",
        'row 0, a:0: {"x": 1}',
    ]
    assert list(lines(None)) == list(warnings(job(), None)) == []


def test_unreadable_files_are_told_and_how_many_were_looked_into() -> None:
    bad = UnreadableFile(file="s3://b/a", error="ValueError: no")
    found = InputSummary(files=50, bytes=1, looked=8, unreadable=(bad,))
    told = [
        "s3://b/a cannot be read (ValueError: no)",
        "only 8 of 50 files were looked into",
    ]
    assert list(warnings(job(failurePolicy={"onBadRow": "skip"}), found)) == told
    *those, way_out = warnings(job(), found)
    assert those == told
    assert "the run would fail there: mend these files, or have rows that fail left out" in way_out


def test_packed_files_whose_heads_are_long_are_told_with_what_to_do() -> None:
    heads = PackedHeads(files=3, most=MANY_BYTES, total=5 * MANY_BYTES)
    (told,) = warnings(job(), InputSummary(files=3, bytes=1, packed=heads))
    assert "a process unpacks up to 16.0 MiB before its first row, all together 80.0 MiB" in told
    assert "shards: 3" in told
    short = PackedHeads(files=3, most=MANY_BYTES - 1, total=5 * MANY_BYTES)
    assert list(warnings(job(), InputSummary(files=3, bytes=1, packed=short))) == []


def test_a_column_without_any_value_may_be_misspelt() -> None:
    (told,) = warnings(job(), InputSummary(files=1, bytes=1, empty=("tekst",)))
    assert told == (
        "no row that was looked at has a value in the column 'tekst': is its name spelled as in "
        "the files?"
    )
