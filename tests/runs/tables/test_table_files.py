"""Which files are a table's, and what is said if there is none."""

from types import SimpleNamespace
from typing import Any

import pytest

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.runs.tables.table_files import MAX_SHOWN, files_of_table
from support.storage.made_tables import RUN


def test_of_many_tables_some_are_named() -> None:
    def of(number: int) -> Any:
        key = f"tables/t{number:03}/00000-00000002-{'0' * 32}.parquet"
        return SimpleNamespace(file=SimpleNamespace(key=key, name=f"t{number:03}.parquet"))

    with pytest.raises(InvalidArgument, match="no file of a table 'x'") as raised:
        files_of_table([of(number) for number in range(100)], "x", RUN)
    assert str(raised.value).endswith(f"t{MAX_SHOWN - 1:03}")
