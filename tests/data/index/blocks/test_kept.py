"""What is counted of a block is found by others, part first."""

from pathlib import Path

import pytest

from batchprocess.data.index.blocks import kept as module
from batchprocess.data.index.blocks.kept import Counted, KeptInRun, KeptNowhere
from batchprocess.ledger.inputs.blocks import encode_counts
from batchprocess.protocol.inputs.blocks import BlockCount, block_key, count_key, counts_key
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.local import LocalStorage

OF = "5" * 32, "text-2"
COUNTS = [BlockCount(rows=1), BlockCount(rows=2, extensions=("a", "ü"))]


def kept(run: Path) -> KeptInRun:
    return KeptInRun(LocalStorage(run), ATTENDED, *OF, "me", announces=True)


def test_what_was_counted_is_read_as_it_was(tmp_path: Path) -> None:
    mine = kept(tmp_path)
    assert mine.counts([0, 1]) == [None, None]
    mine.keep(1, Counted(COUNTS[1], b"part"))
    assert mine.counts([0, 1]) == [None, COUNTS[1]]
    assert mine.all_counts() is None
    mine.keep_all_counts(COUNTS)
    assert mine.all_counts() == COUNTS
    mine.keep_all_counts(COUNTS[:1])
    assert mine.all_counts() == COUNTS


def test_killed_behind_the_part_a_block_is_counted_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    whole = LocalStorage.create

    def create(storage: LocalStorage, key: str, body: bytes) -> object:
        if key == count_key(*OF, 0):
            raise Killed
        return whole(storage, key, body)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "create", create)
        with pytest.raises(Killed):
            kept(tmp_path).keep(0, Counted(COUNTS[0], b"part"))
    assert (tmp_path / block_key(*OF, 0)).exists()
    assert kept(tmp_path).counts([0]) == [None]
    kept(tmp_path).keep(0, Counted(COUNTS[0], b"part"))
    assert kept(tmp_path).counts([0]) == [COUNTS[0]]


def test_counts_of_so_many_blocks_are_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(encode_counts(COUNTS))
    for most, is_kept in ((size - 1, False), (size, True)):
        monkeypatch.setattr(module, "MAX_COUNTS_BYTES", most)
        kept(tmp_path).keep_all_counts(COUNTS)
        assert (tmp_path / counts_key(*OF)).exists() == is_kept


def test_outside_of_a_run_nothing_is_kept() -> None:
    nowhere = KeptNowhere()
    nowhere.keep(0, Counted(COUNTS[0], b"part"))
    nowhere.keep_all_counts(COUNTS)
    assert (nowhere.all_counts(), nowhere.counts([0])) == (None, [None])
    assert nowhere.begin(0, 0)
