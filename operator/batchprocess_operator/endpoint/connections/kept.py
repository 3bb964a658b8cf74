"""Which connections are kept open between reports: one a pod, and shared among namespaces."""

from typing import Generic, TypeVar

from batchprocess_operator.endpoint.report_store import PodFacts

C = TypeVar("C")


class Kept(Generic[C]):
    """At most `places` connections. Pure: whoever asks closes what has to go."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._held: dict[C, PodFacts] = {}
        self._of_pod: dict[str, C] = {}
        self._namespaces: dict[str, dict[C, None]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, connection: C) -> bool:
        return connection in self._held

    def enter(self, connection: C, pod: PodFacts) -> tuple[bool, C | None]:
        """Whether this connection of `pod` is kept, and one that has to go for it.

        A pod's newer connection takes the place of its older one. Where all are taken, the
        namespace with the most gives one to a namespace that has fewer.
        """
        held = self._held.get(connection)
        if held is not None and held.uid == pod.uid:
            return True, None
        self.leave(connection)
        gone = self._of_pod.get(pod.uid)
        if gone is None and len(self._held) >= self._places:
            most = max(self._namespaces.values(), key=len, default={})
            if len(most) <= len(self._namespaces.get(pod.namespace, ())) + 1:
                return False, None
            gone = next(iter(most))
        if gone is not None:
            self.leave(gone)
        self._held[connection] = pod
        self._of_pod[pod.uid] = connection
        self._namespaces.setdefault(pod.namespace, {})[connection] = None
        return True, gone

    def leave(self, connection: C) -> None:
        """It is not there any more; nothing happens if it was not kept."""
        pod = self._held.pop(connection, None)
        if pod is None:
            return
        del self._of_pod[pod.uid]
        mates = self._namespaces[pod.namespace]
        del mates[connection]
        if not mates:
            del self._namespaces[pod.namespace]
