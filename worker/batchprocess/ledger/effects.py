"""The I/O that a ledger flow may ask for, and what it is sent."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, TypeVar

from batchprocess.protocol.tables.statistics import FileStatistics


class CreateReply(Enum):
    """What is known after a create. Only CREATED proves that this very request wrote."""

    CREATED = auto()
    EXISTS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes that wait for upload: in memory, or in a local file that nobody changes any more.

    `statistics` of a table's file, where there are any.
    """

    source: bytes | Path
    size: int
    sha256: str
    statistics: FileStatistics | None = None


@dataclass(frozen=True, slots=True)
class Get:
    """Read one small object. Reply: `bytes | None`. Who acts on it asks for `Sync` before."""

    key: str


@dataclass(frozen=True, slots=True)
class GetMany:
    """Read several small objects in parallel. Reply: `list[bytes | None]` in order."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """Read an object of any size for its sha256. Reply: `str | None`, in hex."""

    key: str


@dataclass(frozen=True, slots=True)
class Sync:
    """Let what was read at a key, and beside it, survive a power loss. Reply: None.

    Its writer may have died before it could: then what we do next, in another folder or in a
    cluster's status, would outlive what it was done for.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Put the chunks of a document together, in a local file if they are many. Reply: `Staged`.

    The file is there until the flow ends.
    """

    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Create:
    """Create-only write, sent once. Reply: `CreateReply`."""

    key: str
    body: bytes | Path


@dataclass(frozen=True, slots=True)
class Upload:
    """Write objects under keys that nobody else can produce; durable at the reply (None)."""

    items: tuple[tuple[str, Staged], ...]


@dataclass(frozen=True, slots=True)
class Put:
    """Write or overwrite an object that is a pure function of the ledgers. Reply: None."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ListSizes:
    """Sizes of all objects below a prefix: no proof of absence. Reply: `dict[str, int]`."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Folders:
    """Names of the folders right below a prefix that ends in `/`. Reply: `tuple[str, ...]`."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """Ask for objects by name. Reply: `list[int | None]` in order, None for what is absent."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove objects. Reply: list of keys that storage refused to delete."""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Back off before try `number` (1, 2, ...). Past the deadline the flow ends (exit 88)."""

    number: int


Effect = (
    Get
    | GetMany
    | Digest
    | Sync
    | Stage
    | Create
    | Upload
    | Put
    | ListSizes
    | Folders
    | Sizes
    | Delete
    | Pause
)
T = TypeVar("T")
Flow = Generator[Effect, Any, T]
