"""An object of a listing, ready to be read."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from batchprocess.runs.patience import Patience, retry_until_known
from batchprocess.storage.inputs.base import InputObject, InputPlace


@dataclass(frozen=True, slots=True)
class KnownObject:
    """One object, at its place."""

    place: InputPlace
    object: InputObject
    patience: Patience
    on_read: Callable[[int], None] = lambda _: None
    """Is told how many bytes were read."""

    @property
    def name(self) -> str:
        """Its address."""
        return f"{self.place.uri}/{self.object.key}"

    def read(self, start: int, stop: int) -> bytes:
        """Some of its bytes."""
        read = partial(self.place.read, self.object, start, stop)
        content = retry_until_known(read, self.patience)
        self.on_read(len(content))
        return content
