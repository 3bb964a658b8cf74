"""What a reader asks its index for."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from batchprocess.data.index.sources import Source, Sources, parse_sources
from batchprocess.protocol.environment import S3Settings, WorkerEnvironment, is_worker
from batchprocess.protocol.inputs.listing import source_id


class Wanted(BaseModel):
    """What is to be indexed.

    rows: an object is one, or each of its lines is, blank ones or not, each Parquet or CSV row, or
    each sample of a tar. columns are those that are read; None: all, and then all tables must have
    them alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[Source, ...]
    source: str = ""
    """Their name in a run; see `protocol.inputs.listing.source_id`."""
    rows: Literal["objects", "lines", "lines that are not blank", "parquet", "csv", "tar"]
    columns: tuple[str, ...] | None = None
    id: str | None = None
    """The column that has the rows' ids; None: they are called by file and number."""
    new_since: str | None = None
    """Address of a run: objects that it, and those it came from, have listed are left out."""
    listing_of: str | None = None
    """Address of a run whose listing, if it has one, is to be this one's."""
    delimiter: str = ","
    """Of CSV."""
    s3: S3Settings = S3Settings()

    @property
    def unpacks(self) -> bool:
        """Whether rows stand in what packed objects become."""
        return self.rows in ("lines", "lines that are not blank", "csv")

    def fingerprint(self, listed: str) -> str:
        """Of rows of these objects: other columns are other rows, other ids too."""
        known: list[Any] = [self.rows, self.columns, listed]
        more = self.model_dump(include={"id", "delimiter"}, exclude_defaults=True)
        known += [more] if more else []
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def wanted_of(
    source: Sources, rows: Any, columns: tuple[str, ...] | None = None, **more: Any
) -> Wanted:
    """With the job's endpoint, in a job. more: other fields of it."""
    s3 = WorkerEnvironment.from_env(os.environ).s3 if is_worker(os.environ) else S3Settings()
    sources = tuple(parse_sources(source))
    asked = [source] if isinstance(source, str | Path) else source
    name = source_id([str(one) for one in asked])
    return Wanted(sources=sources, source=name, rows=rows, columns=columns, s3=s3, **more)
