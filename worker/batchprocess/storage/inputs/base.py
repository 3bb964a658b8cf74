"""What may be asked of a place that rows are read from. It is never written to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

REMEDY = (
    "a run reads what was there when it began, so put it back, or start another run for what is "
    "there now"
)


@dataclass(frozen=True, slots=True, order=True)
class InputObject:
    """One object of a listing: its key below the place, bytes, and on S3 its ETag."""

    key: str
    size: int
    etag: str = ""


class InputPlace(Protocol):
    """A folder or a bucket. Thread-safe and picklable; what it opens, it opens where it is used.

    Raises a `StorageError`; `OutcomeUnknown` may pass, and may be repeated.
    """

    @property
    def uri(self) -> str:
        """Its address, that keys are appended to after a slash."""

    def list(self, prefix: str) -> Iterator[InputObject]:
        """All whose key begins with `prefix`, in no certain order.

        A folder that cannot be read is an error; one that does not exist has no objects.
        """

    def find(self, key: str) -> InputObject | None:
        """The object of that very key, or None."""

    def read(self, known: InputObject, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop` of it; `stop` is at most its size.

        Raises InputChanged if it is no longer what was listed.
        """


class Page(NamedTuple):
    """Some of a listing, in order: objects, the last key that was looked at, whether more come."""

    objects: list[InputObject]
    last: str
    more: bool


@runtime_checkable
class PagedPlace(InputPlace, Protocol):
    """One that lists in the order of keys, from any key on."""

    def page(self, prefix: str, after: str, most: int) -> Page:
        """At most so many keys below `prefix` behind `after`, by one request."""
