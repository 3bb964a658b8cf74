"""How often a pod, a namespace and all of them together may report. Pure: time is an argument."""

import math
from collections import OrderedDict
from dataclasses import dataclass

from batchprocess.protocol.progress import INTERVAL_SECONDS


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


POD = Rate(INTERVAL_SECONDS, burst=4)
"""Room for the first and the last report beside the regular ones."""
NAMESPACE = Rate(1 / 700, burst=3_500)
EVERYBODY = Rate(1 / 1_000, burst=5_000)
"""What one core can answer; one tenant cannot use it up. Bursts are five seconds' worth: that is
what waits for an operator that stood still between two reports of everybody."""


class Limits:
    """All three rates. A report that is refused by one counts for none."""

    def __init__(
        self, pod: Rate = POD, namespace: Rate = NAMESPACE, everybody: Rate = EVERYBODY
    ) -> None:
        self._pods, self._namespaces, self._all = Meters(pod), Meters(namespace), Meters(everybody)

    def admit(self, pod_uid: str, namespace: str, now: float) -> int | None:
        """Whole seconds to wait (at least 1), or None if the report may pass."""
        asked = ((self._pods, pod_uid), (self._namespaces, namespace), (self._all, ""))
        wait = max(meters.wait(key, now) for meters, key in asked)
        if wait > 0:
            return math.ceil(wait)
        for meters, key in asked:
            meters.count(key, now)
        return None
