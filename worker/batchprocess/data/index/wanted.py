"""What a reader asks its index for."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from batchprocess.data.index.sources import Source
from batchprocess.protocol.environment import S3Settings


class Wanted(BaseModel):
    """What is to be indexed.

    rows: an object is one, or each of its lines is, blank ones or not, or each Parquet row. columns
    are those that are read; None: all. Parquet files must have them alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[Source, ...]
    source: str = ""
    """Their name in a run; see `protocol.inputs.listing.source_id`."""
    rows: Literal["objects", "lines", "lines that are not blank", "parquet"]
    columns: tuple[str, ...] | None = None
    id: str | None = None
    """The column that has the rows' ids; None: they are called by file and number."""
    s3: S3Settings = S3Settings()
