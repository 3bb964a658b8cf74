"""Names of files that could not be part of a key."""

import pytest

from batchprocess.protocol.file_names import check_name, place_of_record


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "a//b", ".", "x" * 256, "a\nb", "/".join("abc" * 200), "\udcff"]
)
def test_names_that_storage_could_not_hold_are_refused(name):
    with pytest.raises(ValueError, match="file name"):
        check_name(name)


@pytest.mark.parametrize("name", ["1.json", ".tmp-1-0", "00000001.json.tmp", "failed-1-x.json"])
def test_only_records_count_as_records(name):
    assert place_of_record("ledger/00003/00000017.json") == (3, 17)
    assert place_of_record(f"ledger/00003/{name}") is None
