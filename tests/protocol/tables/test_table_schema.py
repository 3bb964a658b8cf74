"""Keys of schemas."""

from batchprocess.protocol.tables.table_schema import has_schema, name_of_schema, schema_key


def test_a_name_comes_back_from_its_key() -> None:
    assert schema_key("out.parquet") == "schemas/out.parquet.json"
    assert name_of_schema("schemas/out.parquet.json") == "out.parquet"
    for key in ("schemas/.json", "schemas/out.parquet", "data/out.parquet.json"):
        assert name_of_schema(key) is None


def test_lines_of_json_and_ids_beside_arrays_have_none_of_their_own() -> None:
    assert [*map(has_schema, ("a.parquet", "a.npy", "a.ids.npy", "a.jsonl"))] == [
        *(True, True, False, False),
    ]
