"""Rows of one object."""

from typing import NamedTuple

from batchprocess.storage.inputs.base import InputObject


class Part(NamedTuple):
    """Rows `first` to `end` of one object, all in one block of the index."""

    block: int
    number: int
    """Of the object in the index."""
    root: str
    object: InputObject
    first: int
    end: int

    @property
    def name(self) -> str:
        """The object's address."""
        return f"{self.root.rstrip('/')}/{self.object.key}"
