"""A batch that misses rows."""

from typing import Any, NamedTuple

from batchprocess.sdk.report.row_errors import BadRead


class PartialBatch(NamedTuple):
    """`batch` has only `rows`; None if these are none. A tuple, for the feed looks into those."""

    batch: Any
    rows: tuple[int, ...]
    bad: tuple[BadRead, ...]
