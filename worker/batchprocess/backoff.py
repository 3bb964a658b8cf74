"""Waiting longer and longer for what keeps failing. Pure: chance is an argument."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """`first` seconds after the first failure, `factor` times as many after each, at most `most`.

    Raises ValueError unless 0 < first <= most < inf and factor > 1.
    """

    first: float
    most: float
    factor: float = 2.0

    def __post_init__(self) -> None:
        if not (0 < self.first <= self.most < math.inf and 1 < self.factor < math.inf):
            raise ValueError(f"seconds that do not grow from above 0 to a bound: {self}")

    def seconds(self, failures: int) -> float:
        """How long to wait after so many failures in a row: 1 is the first one."""
        # Compared before it is raised to a power: a million failures must not overflow.
        if failures - 1 >= math.log(self.most / self.first, self.factor):
            return self.most
        return min(self.most, self.first * self.factor ** (failures - 1))

    def jittered(self, failures: int, draw: Callable[[], float]) -> float:
        """Full jitter, so that those who failed together come back apart.

        `draw` gives a number in [0, 1), as `random.random` does.
        """
        return self.seconds(failures) * draw()
