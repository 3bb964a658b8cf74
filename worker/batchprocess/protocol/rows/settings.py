"""What a job asks of the dataset's rows: only some of them, or all but some."""

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.json_values import Count

MAX_SKIPPED = 1_000
"""Rows that a job leaves out by hand: they are a variable of each worker, and named by people."""


class RowSettings(BaseModel):
    """`bad_rows_of` is a run's id, if it stands beside the run, else its address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bad_rows_of: str | None = Field(
        default=None, description="a complete run; only the rows that it has left out"
    )
    skip: tuple[Count, ...] = Field(
        default=(), max_length=MAX_SKIPPED, description="rows of the dataset that are left out"
    )
