"""Every call of user code has random numbers of its own, and the same in every attempt."""

import pytest
import torch

from batchprocess.protocol.run import Seeds
from batchprocess.sdk.seeding.randomness import Randomness

SEEDS = Seeds(torch=1, numpy=2, random=3)


def begun(seeds: Seeds | None = SEEDS) -> Randomness:
    made = Randomness()
    made.begin(seeds)
    return made


def test_every_call_has_a_number_of_its_own() -> None:
    randomness, seen = begun(), []
    for number in range(50):
        for enter in (
            randomness.before_batch,
            randomness.before_checkpoint,
            randomness.before_finish,
        ):
            enter(number)
            seen.append((randomness.seed_of(None), float(torch.rand((), dtype=torch.float64))))
    assert len({seed for seed, _ in seen}) == len({draw for _, draw in seen}) == 150
    assert all(0 <= seed < 2**53 for seed, _ in seen)


def test_a_later_attempt_has_the_same_seed_for_a_batch() -> None:
    first, later = begun(), begun()
    for batch in range(5):
        first.before_batch(batch)
    later.before_batch(4)
    assert first.seed_of(None) == later.seed_of(None) == begun().seed_of(4)
    assert later.seed_of(3) != later.seed_of(4)


def test_no_call_goes_on_with_the_generators_of_another_nor_a_row_with_those_of_its_batch() -> None:
    randomness = begun()
    for enter in (
        randomness.before_batch,
        randomness.before_batch,  # again, for one row of it that is tried alone
        randomness.before_checkpoint,
        randomness.before_finish,
    ):
        enter(3)
        assert not randomness.generators
        randomness.generators[torch.device("cpu")] = torch.Generator()


def test_there_is_no_seed_in_init_nor_in_a_run_that_has_none() -> None:
    with pytest.raises(RuntimeError, match=r"not known in __init__.*ask in process_batch"):
        Randomness().seed_of(None)
    old = begun(None)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    old.before_batch(7)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(RuntimeError, match="begun by a version without seeds"):
        old.seed_of(None)
