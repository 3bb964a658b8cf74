"""Records of a shard in little memory.

As objects, the records of a million files take gigabytes; as they were stored, and compressed, a
twentieth of that. So they are parsed anew whenever somebody looks at one.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchprocess.ledger.head import Stored

_FAST = 1
"""Digests, which are most of a record of many files, do not get smaller by more effort."""


@dataclass(frozen=True, slots=True)
class PackedRecords:
    """Records of `shard` from 1 on; immutable."""

    shard: int
    packed: tuple[bytes, ...] = ()

    def followed_by(self, bodies: Iterable[bytes]) -> "PackedRecords":
        """These and more, as stored; VerificationError if one is not the record that it must be."""
        more = list(self.packed)
        for body in bodies:
            Stored.parse(body, shard=self.shard, seq=len(more) + 1)
            more.append(zlib.compress(body, _FAST))
        return PackedRecords(self.shard, tuple(more))

    def __len__(self) -> int:
        return len(self.packed)

    def __iter__(self) -> Iterator[Stored]:
        return (self._parsed(number) for number in range(1, len(self) + 1))

    @property
    def last(self) -> Stored | None:
        """The one with the highest number."""
        return self._parsed(len(self)) if self.packed else None

    def _parsed(self, number: int) -> Stored:
        body = zlib.decompress(self.packed[number - 1])
        return Stored.parse(body, shard=self.shard, seq=number)
