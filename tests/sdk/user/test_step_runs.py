"""Steps are remembered in little memory."""

import random

import pytest

from batchprocess.sdk.user.step_runs import MAX_RUNS, StepRuns


def steps_of(numbers) -> StepRuns:
    steps = StepRuns()
    for number in numbers:
        assert number not in steps
        steps.add(number)
    return steps


@pytest.mark.parametrize(
    "numbers",
    [
        [5],
        range(10),
        range(7, 10_000, 64),
        range(9, -10, -3),
        [3, 1, 2, 0],
        [0, 10, 20, 5, 15, 25, -1],
        random.Random(0).sample(range(300), 200),
    ],
)
def test_every_step_is_known_and_no_other(numbers):
    steps = steps_of(numbers)
    known = {number for number in range(-20, 10_100) if number in steps}
    assert known == set(numbers)


@pytest.mark.parametrize("numbers", [range(100_000), range(0, 10**9, 4_096)])
def test_steps_of_one_stride_are_one_sequence(numbers):
    assert steps_of(numbers)._runs == [numbers]


def test_of_steps_without_order_the_oldest_are_forgotten():
    numbers = [number * number for number in range(3 * MAX_RUNS)]
    steps = steps_of(numbers)
    assert len(steps._runs) == MAX_RUNS
    assert numbers[0] not in steps
    assert all(number in steps for number in numbers[-MAX_RUNS:])
