"""All objects of a listing, each ready to be read; there may be millions, so none is held."""

from collections.abc import Callable, Iterator, Sequence
from typing import overload

import numpy as np

from batchprocess.data.index.known_object import KnownObject
from batchprocess.data.index.line_index import Offsets
from batchprocess.data.listing.object_list import ObjectList
from batchprocess.protocol.environment import S3Settings
from batchprocess.runs.patience import Patience
from batchprocess.storage.inputs.factory import open_inputs


class Known(Sequence[KnownObject]):
    """In the order of the listing."""

    def __init__(self, objects: ObjectList, s3: S3Settings, patience: Patience) -> None:
        self.objects, self._patience = objects, patience
        self._places = {root: open_inputs(root, s3) for root in objects.about.roots}

    def __len__(self) -> int:
        return len(self.objects)

    def __iter__(self) -> Iterator[KnownObject]:
        for root, one in self.objects:
            yield KnownObject(self._places[root], one, self._patience)

    @overload
    def __getitem__(self, number: int) -> KnownObject: ...
    @overload
    def __getitem__(self, number: slice) -> list[KnownObject]: ...
    def __getitem__(self, number: int | slice) -> KnownObject | list[KnownObject]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        return self.told(number, lambda _: None)

    def told(self, number: int, on_read: Callable[[int], None]) -> KnownObject:
        """One that says how many bytes were read."""
        root, one = self.objects[number]
        return KnownObject(self._places[root], one, self._patience, on_read)

    def offsets(self) -> Offsets:
        """Where each begins if all stand one behind the other, and where they end."""
        found = np.zeros(len(self) + 1, np.int64)
        found[1:] = np.fromiter((one.size for _, one in self.objects), np.int64, len(self))
        return np.cumsum(found, out=found)
