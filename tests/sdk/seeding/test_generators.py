"""The global generators stand as a seed and a number say, and are borrowed without a trace."""

import random

import numpy as np
import pytest
import torch

from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.run import Seeds
from batchprocess.sdk.seeding.generators import LOADER, LOOP, derived, drawn, mixed, set_generators

SEEDS = Seeds(torch=1, numpy=2, random=3)


def numbers() -> tuple[float, float, float, float, float]:
    """Of each generator, also those that keep a second normal number for the next call."""
    return (
        float(torch.rand(())),
        float(np.random.random()),
        float(np.random.standard_normal()),
        random.random(),
        random.gauss(),
    )


def numbers_at(number: int, seeds: Seeds = SEEDS) -> tuple[float, ...]:
    set_generators(seeds, number)
    return numbers()


def test_numbers_depend_on_seed_and_number_alone() -> None:
    expected = numbers_at(7)
    for _ in range(3):
        numbers()
    assert numbers_at(7) == expected
    assert not set(numbers_at(8)) & set(expected)


def test_each_library_gets_the_word_as_the_protocol_says() -> None:
    found = numbers_at(7)
    torchs, numpys, randoms = (mixed(seed, 7) for seed in (1, 2, 3))
    assert found[0] == float(torch.rand((), generator=torch.Generator().manual_seed(torchs)))
    assert found[1] == np.random.RandomState(numpys % 2**32).random_sample()
    assert found[3] == random.Random(randoms).random()


@pytest.mark.parametrize(
    ("library", "own"), [("torch", [0]), ("numpy", [1, 2]), ("random", [3, 4])]
)
def test_a_librarys_numbers_depend_on_its_own_seed_alone(library: str, own: list[int]) -> None:
    changed = numbers_at(7, SEEDS.model_copy(update={library: 99}))
    differ = [n for n, (a, b) in enumerate(zip(numbers_at(7), changed, strict=True)) if a != b]
    assert differ == own


def test_words_of_neighbours_have_nothing_in_common() -> None:
    words = {mixed(seed, number) for seed in range(100) for number in range(100)}
    assert len(words) == 10_000
    ones = [bin(mixed(0, n) ^ mixed(0, n + 1)).count("1") for n in range(1_000)]
    assert 31 < sum(ones) / 1_000 < 33


def test_a_given_seed_stands_for_two_streams_of_numbers_that_json_keeps() -> None:
    loader, loop = derived(0, LOADER), derived(0, LOOP)
    seeds = [*loader.model_dump().values(), *loop.model_dump().values()]
    assert len(set(seeds)) == 6
    assert all(0 <= seed <= MAX_COUNT for seed in seeds)
    assert derived(1, LOADER) != loader == derived(0, LOADER)


def test_drawing_seeds_depends_on_the_generators_and_leaves_them_as_they_were() -> None:
    expected, seeds = [], []
    for _ in range(2):
        torch.manual_seed(5)
        np.random.seed(5)
        random.seed(5)
        if not expected:
            expected = [numbers(), numbers()]
            continue
        seeds = [drawn(), drawn()]
        assert [numbers(), numbers()] == expected
    assert seeds[0] == seeds[1] != drawn()


def test_whoever_seeds_torch_alone_gets_torchs_seed_again() -> None:
    torch.manual_seed(5)
    first = drawn()
    np.random.seed()
    random.seed()
    torch.manual_seed(5)
    again = drawn()
    assert first.torch == again.torch
    assert first.numpy != again.numpy
    assert first.random != again.random


def test_another_bit_generator_in_numpys_global_place_is_set_too() -> None:
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(1))
    try:
        expected = numbers_at(7)[1]
        drawn()
        assert numbers_at(7)[1] == expected != numbers_at(8)[1]
    finally:
        np.random.set_bit_generator(before)
