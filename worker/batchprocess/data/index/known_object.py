"""An object of a listing, ready to be read."""

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

    @property
    def name(self) -> str:
        """Its address."""
        return f"{self.place.uri}/{self.object.key}"

    def read(self, start: int, stop: int) -> bytes:
        """Some of its bytes."""
        return retry_until_known(partial(self.place.read, self.object, start, stop), self.patience)
