"""Names of files that could not be part of a key."""

import pytest

from batchprocess.protocol.file_names import (
    check_name,
    check_table_name,
    is_data_key,
    is_own_table_key,
    place_of_record,
    record_of_data,
    shard_of_table_file,
    table_key,
)

NONCE = "0123456789abcdef" * 2


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


@pytest.mark.parametrize(
    "name",
    [
        "sub/rows.parquet",
        "_rows.jsonl",
        ".rows.npy",
        "1.npy",
        "a b.parquet",
        "ä.npy",
        "a=1.parquet",
    ],
)
def test_names_that_readers_of_a_folder_would_take_otherwise_are_no_tables(name):
    with pytest.raises(ValueError, match=r"cannot name a table.*write into upload_path\(\)"):
        check_table_name(name)


@pytest.mark.parametrize("name", ["a.npy", "Rows_2.v1-b.parquet", "rows.ids.npy"])
def test_a_tables_file_says_its_shard_and_record(name):
    check_table_name(name)
    key = table_key(name, 7, 12, NONCE)
    assert key == f"tables/{name.rpartition('.')[0]}/00007-00000012-{NONCE}.{name.split('.')[-1]}"
    assert (shard_of_table_file(key), record_of_data(key)) == (7, 12)
    assert is_data_key(key, 7)
    assert not is_data_key(key, 8)
    assert is_own_table_key(key, name, 7, 12, NONCE)
    assert not is_own_table_key(key, name, 7, 13, NONCE)


@pytest.mark.parametrize(
    "key",
    [
        "tables/a/_delta_log/00000000000000000000.json",
        f"tables/a/00007-00000012-{NONCE}.parquet/x",
        f"tables/a/sub/00007-00000012-{NONCE}.parquet",
        f"tables/../00007-00000012-{NONCE}.parquet",
        f"tables/a/00007-00000012-{NONCE[:-1]}.parquet",
        "tables/a/00007-theirs.parquet",
    ],
)
def test_what_others_keep_in_a_tables_folder_is_not_ours(key):
    assert shard_of_table_file(key) is None
    assert not is_data_key(key, 7)
