"""How things are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess_operator.model.words import MAX_SENTENCE, counted, folded, sentence


def test_one_of_a_kind_is_no_plural() -> None:
    assert [counted(number, "pod") for number in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dial tcp 10.0.0.5:43210: refused", "dial tcp 10.0.0.6:9: refused"),
        ("pod a1b2c3d4-1111-2222-3333-444455556666", "pod b9b2c3d4-1111-2222-3333-444455556666"),
        ("0/3 nodes are available", "0/14 nodes are available"),
    ],
)
def test_messages_that_differ_in_numbers_and_addresses_say_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_other_words_say_something_else() -> None:
    assert folded("no such image a") != folded("no such image b")


@pytest.mark.hostile
def test_a_long_word_is_folded_in_linear_time() -> None:
    """A pattern that tries every start would need minutes."""
    assert len(folded("x" * 10_000_000)) == 10_000_000


class TestASentence:
    def test_names_causes_first(self) -> None:
        assert sentence(["a", "b"], "failed: shards 2") == "a; b; failed: shards 2"
        assert sentence([], "failed: shards 2") == "failed: shards 2"
        assert sentence(["a"]) == "a"

    @pytest.mark.hostile
    def test_loses_no_cause_to_its_limit(self) -> None:
        long = [f"{name}: {'x' * 4_000}" for name in ("KeyError", "OOMKilled", "Evicted")]
        said = sentence([*long, "short"], "failed: shards 2")
        assert len(said) <= MAX_SENTENCE
        assert said.endswith("…; short; failed: shards 2")
        assert all(name in said for name in ("KeyError", "OOMKilled", "Evicted"))

    def test_counts_causes_beyond_the_eighth(self) -> None:
        causes = [f"cause {name}" for name in "abcdefghij"]
        assert sentence(causes, "end").endswith("cause h; 2 more causes; end")

    @pytest.mark.hostile
    @given(st.lists(st.text(min_size=1, max_size=2_000), max_size=12), st.text(max_size=120))
    def test_is_never_longer_than_has_room(self, causes: list[str], last: str) -> None:
        assert len(sentence(causes, last)) <= MAX_SENTENCE
