"""What is known of the API server's time from its answers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from batchprocess_operator.kube.server_clock import ServerClock

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class World:
    """A server, and an operator whose clock is `ahead` of it."""

    def __init__(self, ahead: float) -> None:
        self.seconds = 100.0
        self.clock = ServerClock(lambda: self.seconds, lambda: self.true + timedelta(seconds=ahead))

    @property
    def true(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def ask(self, there: float = 0.0, back: float = 0.0) -> None:
        asked = self.seconds
        self.seconds += there
        date = format_datetime(self.true.replace(microsecond=0), usegmt=True)
        self.seconds += back
        self.clock.answered(date, asked)

    @property
    def error(self) -> float:
        return abs((self.clock.now() - self.true).total_seconds())


def test_until_there_is_an_answer_our_own_time_is_all_there_is() -> None:
    world = World(900)
    assert world.clock.now() == world.true + timedelta(seconds=900)
    world.clock.answered(None, world.seconds)
    world.clock.answered("tomorrow", world.seconds)
    assert world.clock.now() == world.true + timedelta(seconds=900)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30)), min_size=1))
def test_one_answer_is_enough_and_slow_ones_change_nothing_for_the_worse(ahead, trips) -> None:
    world = World(ahead)
    world.ask()
    for there, back in trips:
        world.ask(there, back)
        assert world.error <= 2


def test_a_server_whose_clock_was_set_is_followed() -> None:
    world = World(0)
    world.ask()
    set_back = format_datetime(world.true - timedelta(hours=1), usegmt=True)
    world.clock.answered(set_back, world.seconds)
    assert abs((world.clock.now() - world.true).total_seconds() + 3600) <= 2
