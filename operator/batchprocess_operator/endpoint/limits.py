"""How often a pod, a namespace and all of them together may report. Pure: time is an argument."""

import math

from batchprocess.protocol.progress import INTERVAL_SECONDS
from batchprocess_operator.listen.meters import Meters, Rate

POD = Rate(INTERVAL_SECONDS, burst=4)
"""Room for the first and the last report beside the regular ones."""
ASKED = Rate(INTERVAL_SECONDS / 2, burst=8)
"""Requests, also those that are refused: nobody who waits as told comes half as often."""
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
        self._asked = Meters(ASKED)

    def ask(self, pod_uid: str, now: float) -> bool:
        """Whether the pod asks no more often than a worker does, whatever it is answered."""
        if self._asked.wait(pod_uid, now) > 0:
            return False
        self._asked.count(pod_uid, now)
        return True

    def admit(self, pod_uid: str, namespace: str, now: float) -> int | None:
        """Whole seconds to wait (at least 1), or None if the report may pass."""
        asked = ((self._pods, pod_uid), (self._namespaces, namespace), (self._all, ""))
        wait = max(meters.wait(key, now) for meters, key in asked)
        if wait > 0:
            return math.ceil(wait)
        for meters, key in asked:
            meters.count(key, now)
        return None
