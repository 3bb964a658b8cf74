"""Time in which nobody looked does not count."""

from batchprocess.agent.awake_clock import AwakeClock


def test_time_stands_while_nobody_reads_it_for_long() -> None:
    real = iter([100.0, 100.5, 105.4, 700.0, 701.0, 2_000.0, 2_000.5])
    clock = AwakeClock(lambda: next(real))
    read = [clock() - 100 for _ in range(6)]
    assert [round(one, 1) for one in read] == [0.5, 5.4, 5.4, 6.4, 6.4, 6.9]
