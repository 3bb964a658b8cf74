"""Where parts are kept: in a run, for all its attempts, or nowhere."""

from collections.abc import Iterable
from typing import Protocol

from batchprocess.ledger.effects import Flow
from batchprocess.ledger.inputs.blocks import begin_block, begun_turns, keep_block, read_block
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform, perform_all
from batchprocess.storage.base import Storage


class Kept(Protocol):
    """Parts of blocks, by number."""

    def read_all(self, numbers: Iterable[int]) -> list[bytes | None]:
        """What there is of these."""

    def keep(self, number: int, part: bytes) -> None:
        """Have others read it."""

    def begin(self, number: int, turn: int) -> bool:
        """Whether it is ours to count; False if somebody else has said so."""

    def turns(self, number: int) -> int:
        """How often somebody has begun to count it."""


class KeptInRun:
    """In `inputs/` of a run.

    me: drawn for this attempt. announces: says there what is begun; else others count it too.
    """

    def __init__(
        self,
        storage: Storage,
        patience: Patience,
        source: str,
        kind: str,
        me: str,
        *,
        announces: bool,
    ) -> None:
        self._storage, self._patience = storage, patience
        self._source, self._kind, self._me = source, kind, me
        self._announces = announces

    def read_all(self, numbers: Iterable[int]) -> list[bytes | None]:
        """Side by side."""
        flows: list[Flow[bytes | None]] = [
            read_block(self._source, self._kind, number) for number in numbers
        ]
        if len(flows) == 1:
            return [perform(flows[0], self._storage, self._patience)]
        return perform_all(flows, self._storage, self._patience)

    def keep(self, number: int, part: bytes) -> None:
        """Create-only."""
        flow = keep_block(self._source, self._kind, number, part)
        perform(flow, self._storage, self._patience)

    def begin(self, number: int, turn: int) -> bool:
        """Create-only."""
        if not self._announces:
            return True
        flow = begin_block(self._source, self._kind, number, turn, self._me)
        return perform(flow, self._storage, self._patience)

    def turns(self, number: int) -> int:
        """As far as they follow one another."""
        flow = begun_turns(self._source, self._kind, number)
        return perform(flow, self._storage, self._patience)


class KeptNowhere:
    """Outside of a run."""

    def read_all(self, numbers: Iterable[int]) -> list[bytes | None]:
        """Nothing."""
        return [None for _ in numbers]

    def keep(self, number: int, part: bytes) -> None:
        """Nobody reads it."""

    def begin(self, number: int, turn: int) -> bool:  # noqa: ARG002
        """All are ours."""
        return True

    def turns(self, number: int) -> int:  # noqa: ARG002
        """Nobody else counts."""
        return 0
