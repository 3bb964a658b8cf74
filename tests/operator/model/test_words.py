"""How things are said."""

from batchprocess_operator.model.words import counted


def test_one_of_a_kind_is_no_plural() -> None:
    assert [counted(number, "pod") for number in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]
