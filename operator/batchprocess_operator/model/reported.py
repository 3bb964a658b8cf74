"""What workers have reported of a job: hearsay, for people and estimates only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from batchprocess.protocol.control import Indexed
from batchprocess.protocol.run import RunShape, SourceChange


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The newest report on a shard from the progress endpoint; times by the operator's clock.

    `claim` is the seq of the attempt's claim, `rate` batches a second, `advanced` when a batch
    was last seen to be done, `bad_rows` those of the shard. `indexed`: while its files are counted.
    """

    shard: int
    claim: int
    cursor: int
    total: int
    processed: int
    phase: str
    sealed: bool
    received: datetime
    advanced: datetime
    rate: float | None = None
    indexed: Indexed | None = None
    bad_rows: int = 0


@dataclass(frozen=True, slots=True)
class Reported:
    """What the endpoint has received of one job. Nothing of it is needed to end rightly.

    `lost`: batches processed by attempts and not committed by them, as far as was reported.
    `regressed`: shard -> cursors before and after, where a later claim stands on an older cursor.
    `source`: that a worker was started with another source than the run.
    """

    shards: Mapping[int, ShardReport] = field(default_factory=dict)
    shape: RunShape | None = None
    lost: int = 0
    regressed: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    source: SourceChange | None = None


NOTHING = Reported()
"""As long as nobody has reported."""
