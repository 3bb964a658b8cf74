"""How often something may happen for each of many keys. Pure: time is an argument."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """One every `interval` seconds, `burst` of them at once after a silence."""

    interval: float
    burst: int


class Meters:
    """One rate for each of many keys, as one number a key: when its next event would be on time.

    A key whose number has passed is as good as new and is dropped, so memory follows the keys
    that are in use.
    """

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._next: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._next)

    def wait(self, key: str, now: float) -> float:
        """Seconds until one more is allowed; 0 if it is now."""
        ahead = self._next.get(key, now) - now
        return max(0.0, ahead - (self._rate.burst - 1) * self._rate.interval)

    def count(self, key: str, now: float) -> None:
        """One has happened."""
        self._next[key] = max(self._next.get(key, now), now) + self._rate.interval
        self._next.move_to_end(key)
        # Those used longest ago come first; two a call keep up with one that is added.
        for _ in range(2):
            oldest = next(iter(self._next))
            if self._next[oldest] > now:
                break
            del self._next[oldest]

    def give_back(self, key: str) -> None:
        """One that was counted shall not count after all."""
        if key in self._next:
            self._next[key] -= self._rate.interval
