"""What a run keeps of its input: which objects it reads, found once by its first attempt."""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.json_values import Count, PositiveCount, Sha256

INPUTS_PREFIX = "inputs/"
LISTING_NAME = "listing.json"
MAX_PART_BYTES = 64 << 20
MAX_PARTS = 10_000


class ListedPart(BaseModel):
    """A piece of a listing: lines of JSON, `[root, key, size, etag]` each, in the order of rows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    objects: PositiveCount = Field(description="lines")
    size: int = Field(ge=1, le=MAX_PART_BYTES, description="bytes of the part")
    sha256: Sha256 = Field(description="of the part, in hex; also in its key")


class InputListing(BaseModel):
    """All objects of one source, as the run reads them: written last, and created only once.

    `fingerprint`: sha256 of all lines of the parts, without their ends.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = Field(default=1, description="another value is refused")
    roots: tuple[str, ...] = Field(description="buckets and folders, by number")
    objects: PositiveCount = Field(description="in all parts")
    bytes: Count = Field(description="of all these objects")
    fingerprint: Sha256 = Field(description="of all lines, without their ends")
    parts: tuple[ListedPart, ...] = Field(max_length=MAX_PARTS, description="in order")
    since: str | None = Field(
        default=None, description="a run; what it, and those it came from, have listed is left out"
    )


def source_id(asked: Sequence[str]) -> str:
    """The name that a source has in `inputs/`: of what was asked for, as it is written there."""
    return hashlib.sha256(json.dumps(list(asked)).encode()).hexdigest()[:32]


def run_address(name: str, run: str, field: str = "input.newSince") -> str:
    """Where another run is that the one at `run` knows by name: beside it, if that is an id.

    Raises InvalidArgument, of the job's `field`, for a path that depends on where one stands.
    """
    if "/" in name and "://" not in name and not name.startswith("/"):
        raise InvalidArgument(
            f"{field}: {name!r} must be a run's id, an absolute path, or an address"
        )
    return name if "/" in name else f"{run.rstrip('/').rpartition('/')[0]}/{name}"


def run_name(address: str, run: str) -> str:
    """How the run at `run` keeps another's address: runs of one job may be moved together."""
    folder, _, name = address.rstrip("/").rpartition("/")
    return name if folder == run.rstrip("/").rpartition("/")[0] else address.rstrip("/")


def listing_key(source: str) -> str:
    """Of the object that makes a listing whole."""
    return f"{INPUTS_PREFIX}{source}/{LISTING_NAME}"


def listed_part_key(source: str, sha256: str) -> str:
    """Of a part: the same bytes have the same key."""
    return f"{INPUTS_PREFIX}{source}/objects-{sha256}.jsonl"
