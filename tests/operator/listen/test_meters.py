"""How often something may happen."""

from hypothesis import given
from hypothesis import strategies as st

from batchprocess_operator.listen.meters import Meters, Rate


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=200))
def test_no_key_ever_gets_more_than_its_rate_and_burst(events):
    rate, now, passed = Rate(interval=2.0, burst=3), 0.0, {}
    meters = Meters(rate)
    for key, pause in events:
        now += pause
        if meters.wait(str(key), now) == 0:
            meters.count(str(key), now)
            passed.setdefault(key, []).append(now)
    for times in passed.values():
        for first, start in enumerate(times):
            for count, end in enumerate(times[first:], start=1):
                assert count <= rate.burst + (end - start) / rate.interval + 1e-6


def test_memory_follows_the_keys_in_use():
    meters = Meters(Rate(interval=1.0, burst=1))
    for n in range(10_000):
        meters.count(str(n), now=n * 0.1)
    assert len(meters) < 25


def test_what_is_given_back_may_happen_again():
    meters = Meters(Rate(interval=10.0, burst=2))
    for _ in range(2):
        meters.count("one", 0.0)
    assert meters.wait("one", 0.0) == 10
    meters.give_back("one")
    assert meters.wait("one", 0.0) == 0
    meters.give_back("unknown")
    assert meters.wait("unknown", 0.0) == 0
