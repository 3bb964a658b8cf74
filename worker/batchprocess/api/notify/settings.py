"""What a job asks to be told of, and where: spec.notify."""

from typing import Literal

from pydantic import Field

from batchprocess.api.base import ApiModel, Rule
from batchprocess.api.scalars import MUTABLE, DnsLabel

NotifyEvent = Literal["Complete", "Failed", "Stalled"]
ALL: tuple[NotifyEvent, ...] = ("Complete", "Failed", "Stalled")


class Notify(ApiModel):
    """Messages about the job, to a destination that the platform has set up."""

    rules = (
        Rule(
            "!has(self.events) || size(self.events) > 0 || has(self.everyPercent)",
            "spec.notify.events must name one, or everyPercent be given; or leave notify out",
            lambda notify: notify.events != [] or notify.every_percent is not None,
            field=".events",
        ),
        Rule(
            "!has(self.events) || "
            "self.events.all(one, self.events.exists_one(other, one == other))",
            "spec.notify.events must name each event once",
            lambda notify: len(set(notify.events or ())) == len(notify.events or ()),
            field=".events",
        ),
    )

    to: DnsLabel = Field(json_schema_extra=MUTABLE)
    """Name of a destination that the platform has set up for the job's namespace, at most 63
    characters; of one that it has not, condition NotificationsFailed says so. Required. Mutable."""
    events: list[NotifyEvent] | None = Field(default=None, max_length=3, json_schema_extra=MUTABLE)
    """Events that are told, up to 3: Complete, the end of a final run, also one with failed shards;
    Failed; Stalled, when the job does not get on by itself. Default: all of them. Mutable."""
    every_percent: int | None = Field(default=None, ge=1, le=50, json_schema_extra=MUTABLE)
    """Percent of the batches, 1 to 50: at each multiple of it the job's progress is told. Default:
    progress is not told. Mutable."""

    def wants(self, event: NotifyEvent) -> bool:
        """Whether it is told."""
        return event in (ALL if self.events is None else self.events)
