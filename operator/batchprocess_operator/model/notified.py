"""What is known of a job's messages outside of its status. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from batchprocess.api.notify.outbox import PendingMessage


@dataclass(frozen=True, slots=True)
class Notified:
    """`names`: destinations that jobs of its namespace may name.

    `delivered`: ids of messages that this process has delivered. `failing`: id -> how the last try
    to deliver it has ended.
    """

    names: tuple[str, ...] = ()
    delivered: frozenset[str] = frozenset()
    failing: Mapping[str, str] = field(default_factory=dict)


UNTOLD = Notified()


def message_id(uid: str, message: PendingMessage) -> str:
    """The same for whoever sends it, however often: receivers know by it what they have had."""
    what = f"{uid}-{message.retry}-{message.event.lower()}"
    match message.event:
        case "Progress":
            return f"{what}-{message.percent}"
        case "Stalled":
            return f"{what}-{message.time.timestamp():.0f}"
    return what
