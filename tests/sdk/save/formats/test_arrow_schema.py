"""Schemas of Arrow: equal but for what has had no value."""

import pyarrow as pa
import pytest

from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.tables.table_schema import TableSchema
from batchprocess.sdk.save.formats.arrow_schema import ArrowTypes, type_of_tensor
from batchprocess.sdk.save.formats.table_types import TypesDiffer

NULL, STRUCT = pa.null(), pa.struct([("a", pa.int64()), ("b", pa.string())])


def types(kind: pa.DataType) -> ArrowTypes:
    return ArrowTypes(pa.schema([("id", pa.int64()), ("x", kind)]))


@pytest.mark.parametrize(
    ("empty", "full"),
    [
        (NULL, pa.int64()),
        (NULL, STRUCT),
        (pa.list_(NULL), pa.list_(pa.float32())),
        (pa.list_(NULL), pa.list_(pa.list_(pa.string()))),
        (pa.struct([("b", NULL), ("a", pa.int64())]), STRUCT),
    ],
    ids=str,
)
def test_what_has_had_no_value_takes_the_type_of_the_other_in_either_order(empty, full) -> None:
    assert types(empty).unknown() is not None
    assert types(full).unknown() is None
    assert types(full).joined(types(empty)) == types(full)
    joined = types(empty).joined(types(full))
    assert joined.unknown() is None
    assert types(full).joined(joined) == types(full)


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (pa.int64(), pa.float64(), "x"),
        (pa.int64(), pa.int32(), "x"),
        (pa.int64(), pa.uint64(), "x"),
        (pa.list_(pa.float32()), pa.list_(pa.float64()), "x[]"),
        (pa.list_(pa.float32(), 4), pa.list_(pa.float32()), "x"),
        (STRUCT, pa.struct([("a", pa.int64())]), "x"),
        (STRUCT, pa.struct([("a", pa.int8()), ("b", pa.string())]), "x.a"),
        (pa.timestamp("us"), pa.timestamp("us", "UTC"), "x"),
        (pa.decimal128(3, 2), pa.decimal128(4, 2), "x"),
    ],
    ids=str,
)
def test_what_merely_fits_is_another_type_whoever_comes_first(one, other, place) -> None:
    for known, new in ((one, other), (other, one)):
        with pytest.raises(TypesDiffer) as caught:
            types(known).joined(types(new))
        assert caught.value.column == place


def test_columns_may_come_in_any_order_but_not_be_others() -> None:
    known = ArrowTypes(pa.schema([("a", pa.int8()), ("b", pa.int8())]))
    assert known.joined(ArrowTypes(pa.schema([("b", pa.int8()), ("a", pa.int8())]))) == known
    with pytest.raises(TypesDiffer) as caught:
        known.joined(ArrowTypes(pa.schema([("a", pa.int8()), ("c", pa.int8())])))
    assert caught.value.column is None


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp("ns", "Europe/Berlin"),
        pa.decimal256(50, 3),
        pa.map_(pa.string(), pa.list_(STRUCT)),
        pa.large_list(pa.float16()),
        pa.list_(pa.field("element", pa.int8(), nullable=False), 3),
        pa.duration("ms"),
    ],
    ids=str,
)
def test_every_type_comes_back_from_its_document(kind) -> None:
    document = types(kind).document("x.parquet")
    assert document.columns[1].type == str(kind)
    again = ArrowTypes.of_document(TableSchema.model_validate_json(document.model_dump_json()))
    assert again.schema.equals(types(kind).schema, check_metadata=True)


@pytest.mark.parametrize("body", [None, "", "not base64!", "AAAA"])
def test_a_document_without_a_schema_is_an_error_of_verification(body) -> None:
    with pytest.raises(VerificationError, match=r"schemas/x\.parquet\.json"):
        ArrowTypes.of_document(TableSchema(name="x.parquet", columns=(), arrow=body))


def test_types_of_tensors_are_those_that_their_values_get() -> None:
    assert type_of_tensor("bfloat16", ()) == pa.float32()
    assert type_of_tensor("bool", (2, 3)) == pa.list_(pa.list_(pa.bool_(), 3), 2)
    assert type_of_tensor("int8", (0,)) == pa.list_(pa.int8())


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        (pa.struct([("a", pa.list_(NULL))]), "x.a[]"),
        (pa.struct([]), "x"),
        (pa.map_(pa.int8(), NULL), "x"),
    ],
    ids=str,
)
def test_a_place_without_a_type_is_named(kind, place) -> None:
    assert (types(kind).unknown() or "").startswith(place)
