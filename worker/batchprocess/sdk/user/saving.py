"""What `context.save` does: whose rows these are, before they are handed to the saver."""

from collections.abc import Mapping
from typing import Any

from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.save.column_types import Column
from batchprocess.sdk.user.row_ids import RowIds, check_one_a_row, ids_of, with_row_numbers


def save_rows(
    pending: PendingOutputs,
    row_ids: RowIds | None,
    name: str,
    columns: Mapping[str, Column],
    ids: Column | None,
    schema: Any,
) -> None:
    """Raises what makes the rows impossible to save, and remembers them for `context.fail`."""
    here = pending.rows_here
    batch = None if here is None else pending.batch_here
    if ids is None and "id" in columns:
        ids, columns = columns["id"], {key: columns[key] for key in columns if key != "id"}
    if ids is None:
        left = here if batch is None else batch.left
        check_one_a_row(name, columns, left, () if batch is None else sorted(batch.failed))
        ids = ids_of(left or (), row_ids)
        columns = with_row_numbers(name, columns, ids, left or ())
    elif here is not None and batch is not None and batch.failed:
        batch.require_not_failed(name, ids, ids_of(here, row_ids))
    pending.save(name, columns, ids, schema)
    if batch is not None:
        batch.add_saved(name, ids)
