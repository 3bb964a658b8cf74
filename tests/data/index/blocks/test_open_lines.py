"""Lines that begin in one block and end in another are one row, of the block they begin in."""

import pytest

from batchprocess.data.index.blocks import open_lines
from batchprocess.data.index.blocks.open_lines import BlockEnds, Ends, OpenLines
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.inputs.blocks import BlockCount, OpenPiece

BEGIN = OpenPiece(
    begins=True, ends=False, start=3, stop=50, head_text=True, head_end=10, rows=2, tail=30
)
MIDDLE = OpenPiece(begins=False, ends=False, start=50, stop=90, head_text=False)
END = OpenPiece(
    begins=False, ends=True, start=90, stop=200, head_text=True, head_end=95, rows=4, tail=190
)


def resolved(*pieces: OpenPiece | None, skip_blank: bool) -> list[BlockEnds]:
    counts = [BlockCount(rows=0 if one is None else one.rows, first=one) for one in pieces]
    return list(OpenLines(lambda n: f"file {n}", skip_blank=skip_blank).resolve(counts))


@pytest.mark.parametrize("skip_blank", [True, False])
def test_a_line_over_three_blocks_is_a_row_of_the_first(skip_blank: bool) -> None:
    first, middle, last = resolved(BEGIN, MIDDLE, END, skip_blank=skip_blank)
    assert first.first == Ends(base=0, head=3, tail=30, stop=95)
    assert middle.first == Ends()
    assert last.first == Ends(base=4, stop=190)
    assert [one.rows for one in (first, middle, last)] == [2, 0, 0]


def test_whether_a_blank_line_is_a_row_is_known_where_it_ends() -> None:
    blank = END.model_copy(update={"head_text": False})
    assert resolved(BEGIN, MIDDLE, blank, skip_blank=True)[0].first.tail == -1
    assert resolved(BEGIN, MIDDLE, blank, skip_blank=True)[2].first.base == 3
    assert resolved(BEGIN, MIDDLE, blank, skip_blank=False)[0].first.tail == 30


def test_another_object_begins_anew() -> None:
    counts = [
        BlockCount(rows=2, first=BEGIN),
        BlockCount(rows=6, first=END, last=BEGIN),
        BlockCount(rows=4, first=END),
    ]
    found = list(OpenLines(str, skip_blank=False).resolve(counts))
    assert [one.first.base for one in found] == [0, 4, 4]
    assert found[1].last.base == 0


def test_a_line_that_is_too_long_over_several_blocks_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_lines, "MAX_LINE", 65)
    resolved(BEGIN, MIDDLE, END, skip_blank=True)
    monkeypatch.setattr(open_lines, "MAX_LINE", 64)
    with pytest.raises(InvalidArgument, match="file 2: the line that begins at byte 30 has 65 byt"):
        resolved(BEGIN, MIDDLE, END, skip_blank=True)


def test_blocks_of_another_input_are_refused() -> None:
    with pytest.raises(VerificationError, match="block 1 goes on with an object"):
        resolved(None, END, skip_blank=True)
