"""Groups of similar length: every row once, under the budget, and back in order."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data import by_length
from batchprocess.protocol.errors import InvalidArgument

LENGTHS = st.lists(st.integers(0, 60), max_size=60)
BUDGETS = st.integers(1, 200)


@given(LENGTHS, BUDGETS)
def test_every_row_is_in_one_group_of_at_most_the_budget_or_alone(
    lengths: list[int], budget: int
) -> None:
    groups = by_length(lengths, budget)
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    for group in groups:
        padded = len(group) * max(lengths[row] for row in group)
        assert padded <= budget or len(group) == 1
        assert len(group) <= budget


@given(LENGTHS, BUDGETS)
def test_groups_go_from_long_to_short_and_none_could_take_the_next_ones_first(
    lengths: list[int], budget: int
) -> None:
    groups = by_length(lengths, budget)
    order = [lengths[row] for group in groups for row in group]
    assert order == sorted(lengths, reverse=True)
    for group in groups[:-1]:
        assert (len(group) + 1) * max(1, lengths[group[0]]) > budget


@given(LENGTHS, BUDGETS, st.integers(1, 70))
def test_groups_padded_to_multiples_hold_their_rows_within_the_budget(
    lengths: list[int], budget: int, multiple: int
) -> None:
    groups = by_length(lengths, budget, multiple=multiple)
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    assert len(groups.lengths) == len(groups)
    for group, length in zip(groups, groups.lengths, strict=True):
        longest = max(lengths[row] for row in group)
        assert longest <= length < longest + multiple
        assert length % multiple == 0
        assert len(group) * length <= budget or len(group) == 1


def test_batches_of_other_lengths_have_the_same_shapes_but_for_their_last_group() -> None:
    random = np.random.default_rng(1)
    shapes = set()
    for _ in range(50):
        groups = by_length(random.integers(1, 513, 2048), 65_536, multiple=64)
        shapes |= {
            (len(groups[number]), groups.lengths[number]) for number in range(len(groups))[:-1]
        }
    assert shapes <= {(65_536 // length, length) for length in range(64, 513, 64)}


@given(LENGTHS, BUDGETS, st.sampled_from(["list", "torch", "numpy", "mixed"]))
def test_results_come_back_in_the_order_of_the_rows(
    lengths: list[int], budget: int, kind: str
) -> None:
    groups = by_length(np.array(lengths, np.int64) if kind == "numpy" else lengths, budget)
    whole = torch.arange(2 * len(lengths), dtype=torch.float16).reshape(-1, 2)
    results: list[Any] = [whole[group] for group in groups]
    match kind:
        case "list":
            results = [one.tolist() for one in results]
        case "numpy":
            results = [one.numpy() for one in results]
        case "mixed":
            results = [one if n % 2 else list(one) for n, one in enumerate(results)]
    found = groups.restore(results)
    if kind == "torch" and results:
        assert found.dtype == torch.float16
    assert [np.asarray(row).tolist() for row in found] == whole.tolist()


def test_groups_are_the_same_for_equal_lengths_of_any_kind() -> None:
    lengths = [3, 9, 3, 1]
    groups = by_length(lengths, 9)
    assert list(groups) == list(by_length(torch.tensor(lengths), 9)) == [[1], [0, 2, 3]]
    assert groups[1:] == [[0, 2, 3]]


@pytest.mark.parametrize(
    ("lengths", "budget", "sentence"),
    [
        ([1.5], 3, "length 0 is 1.5"),
        ([1, -1], 3, "length 1 is -1"),
        ([True], 3, "length 0 is True"),
        ([1], 0, "budget 0 must be"),
        ([1], 2.0, "budget 2.0 must be"),
    ],
)
def test_what_is_no_length_or_budget_is_refused(lengths: Any, budget: Any, sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        by_length(lengths, budget)


def test_what_is_no_multiple_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="multiple 0 must be a number of tokens, at least 1"):
        by_length([1], 9, multiple=0)


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ([[1]], "1 results for 2 groups"),
        ([[1], [1]], "the result of group 1 has 1 rows, and the group has 2"),
        (
            [torch.zeros(1, 2), torch.zeros(2, 3)],
            r"\(2,\).*, and group 1 .*\(3,\)",
        ),
        ([torch.zeros(1), torch.zeros(2).half()], "torch.float32.* group 1 .* torch.float16"),
        ([np.zeros(1), torch.zeros(2).double()], "group 0 has ndarray .* group 1 Tensor"),
    ],
)
def test_results_that_would_be_cast_or_lost_are_refused(results: Any, sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        by_length([9, 3, 3], 9).restore(results)
