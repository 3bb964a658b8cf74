"""Names of files that could not be part of a key."""

import pytest

from batchprocess.protocol.file_names import check_name


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "a//b", ".", "x" * 256, "a\nb", "/".join("abc" * 200), "\udcff"]
)
def test_names_that_storage_could_not_hold_are_refused(name):
    with pytest.raises(ValueError, match="file name"):
        check_name(name)
