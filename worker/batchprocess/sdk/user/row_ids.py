"""The ids of rows that user code saves without naming them."""

from collections.abc import Mapping

from batchprocess.protocol.records import Span
from batchprocess.sdk.save.column_types import Column


def row_numbers(name: str, columns: Mapping[str, Column], batch: Span | None) -> range:
    """The dataset's numbers of the rows in `batch`, which is None where there is none.

    Raises ValueError unless the columns, saved as `name`, have one row for each of them.
    """
    length = len(next(iter(columns.values()), ()))
    if batch is None or length != batch[1] - batch[0]:
        found = (
            "there is no batch here" if batch is None else f"the batch has {batch[1] - batch[0]}"
        )
        raise ValueError(
            f"{name!r} got {length} rows and no ids, but {found}: give ids= (a list or tuple "
            "has one item a row)"
        )
    return range(*batch)
