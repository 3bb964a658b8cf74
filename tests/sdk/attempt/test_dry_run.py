"""A try warms up before it measures, and ends by itself."""

import pytest

from batchprocess.sdk.attempt.dry_run import Trial
from batchprocess.sdk.report.agent_link import LoopState


def tried(total: int, seconds: list[float]) -> tuple[float, int]:
    """Seconds a batch, and how many batches were processed."""
    state = LoopState(total=total)
    trial = Trial(state)
    for one in seconds:
        state.processed += 1
        state.times.work += one
        trial.check()
        if state.stop:
            break
    return trial.seconds_per_batch(), state.processed


def test_cold_batches_are_not_measured_and_three_seconds_are_enough() -> None:
    each, processed = tried(1_000, [9.0, *[0.5] * 999])
    assert (each, processed) == (0.5, 7)


def test_fast_batches_warm_up_for_a_second() -> None:
    each, processed = tried(10_000, [*[0.1] * 10, *[0.01] * 9_990])
    assert each == pytest.approx(0.01)
    assert processed == pytest.approx(310, abs=2)


def test_slow_batches_do_not_keep_the_user_for_long() -> None:
    assert tried(1_000, [60.0] * 1_000) == (60.0, 2)


@pytest.mark.parametrize(("total", "measured"), [(4, 2), (3, 1), (2, 1)])
def test_half_of_a_short_shard_warms_up(total: int, measured: int) -> None:
    assert tried(total, [*[0.4] * (total - measured), *[0.2] * measured]) == (
        pytest.approx(0.2),
        total,
    )


def test_the_only_batch_is_measured_cold() -> None:
    assert tried(1, [0.4]) == (0.4, 1)
