"""Types of columns that are tensors."""

import pytest

from batchprocess.sdk.save.formats.table_types import TypesDiffer
from batchprocess.sdk.save.formats.tensor_types import TensorType, TensorTypes

KNOWN = TensorTypes({"id": None, "x": TensorType("float32", (4,))})


def test_ids_of_no_rows_take_the_type_of_others() -> None:
    new = TensorTypes({"x": TensorType("float32", (4,)), "id": TensorType("int64")})
    assert KNOWN.unknown() == "id"
    joined = KNOWN.joined(new)
    assert joined.unknown() is None
    assert [*joined.columns] == ["id", "x"]
    assert joined.joined(KNOWN) == joined


@pytest.mark.parametrize("other", [("float64", (4,)), ("float32", (5,)), ("float32", ())])
def test_another_dtype_or_shape_is_another_type(other) -> None:
    with pytest.raises(TypesDiffer) as caught:
        KNOWN.joined(TensorTypes({"id": None, "x": TensorType(*other)}))
    assert caught.value.column == "x"
    assert caught.value.known == "float32 (4,)"


def test_they_come_back_from_their_document() -> None:
    types = TensorTypes({"id": TensorType("string"), "x": TensorType("bfloat16", (2, 3))})
    assert TensorTypes.of_document(types.document("x.safetensors")) == types
