"""Where it is kept what attempts have counted: in a run, for all of them, or nowhere."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from batchprocess.ledger.inputs.blocks import (
    begin_block,
    begun_beats,
    begun_turns,
    encode_counts,
    keep_block,
    keep_counts,
    read_count,
    read_counts,
)
from batchprocess.protocol.inputs.blocks import BlockCount
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform, perform_all
from batchprocess.storage.base import Storage

MAX_COUNTS_BYTES = 64 << 20


class Counted(NamedTuple):
    """A block: what is to be known of it, and where its rows are."""

    known: BlockCount
    part: bytes


class Kept(Protocol):
    """Blocks that were counted, by number."""

    def all_counts(self) -> list[BlockCount] | None:
        """Of all blocks, if somebody has put them together."""

    def counts(self, numbers: Iterable[int]) -> list[BlockCount | None]:
        """What there is of these."""

    def keep(self, number: int, found: Counted) -> None:
        """Have others read it."""

    def keep_all_counts(self, counts: Sequence[BlockCount]) -> None:
        """Have others find them by one request."""

    def begin(self, number: int, turn: int) -> bool:
        """Whether it is ours to count; False if somebody else has said so."""

    def turns(self, number: int) -> int:
        """How often somebody has begun to count it."""

    def beat(self, number: int, turn: int, beat: int) -> None:
        """Say that it is still being counted here."""

    def beats(self, number: int, turn: int, known: int) -> int:
        """How often that was said; known: so often at least."""


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
        self._of, self._me = (source, kind), me
        self._announces = announces

    def all_counts(self) -> list[BlockCount] | None:
        """By one request."""
        return perform(read_counts(*self._of), self._storage, self._patience)

    def counts(self, numbers: Iterable[int]) -> list[BlockCount | None]:
        """Side by side."""
        flows = [read_count(*self._of, number) for number in numbers]
        if len(flows) == 1:
            return [perform(flows[0], self._storage, self._patience)]
        return perform_all(flows, self._storage, self._patience)

    def keep(self, number: int, found: Counted) -> None:
        """Create-only."""
        flow = keep_block(*self._of, number, found.part, found.known)
        perform(flow, self._storage, self._patience)

    def keep_all_counts(self, counts: Sequence[BlockCount]) -> None:
        """Create-only; nothing if they are too many for one object."""
        body = encode_counts(counts)
        if len(body) <= MAX_COUNTS_BYTES:
            perform(keep_counts(*self._of, body), self._storage, self._patience)

    def begin(self, number: int, turn: int) -> bool:
        """Create-only."""
        if not self._announces:
            return True
        flow = begin_block(*self._of, number, turn, self._me)
        return perform(flow, self._storage, self._patience)

    def turns(self, number: int) -> int:
        """As far as they follow one another."""
        return perform(begun_turns(*self._of, number), self._storage, self._patience)

    def beat(self, number: int, turn: int, beat: int) -> None:
        """Create-only."""
        if self._announces:
            flow = begin_block(*self._of, number, turn, self._me, beat)
            perform(flow, self._storage, self._patience)

    def beats(self, number: int, turn: int, known: int) -> int:
        """As far as they follow one another."""
        flow = begun_beats(*self._of, number, turn, known)
        return perform(flow, self._storage, self._patience)


class KeptNowhere:
    """Outside of a run."""

    def all_counts(self) -> list[BlockCount] | None:
        """Nothing."""
        return None

    def counts(self, numbers: Iterable[int]) -> list[BlockCount | None]:
        """Nothing."""
        return [None for _ in numbers]

    def keep(self, number: int, found: Counted) -> None:
        """Nobody reads it."""

    def keep_all_counts(self, counts: Sequence[BlockCount]) -> None:
        """Nobody reads them."""

    def begin(self, number: int, turn: int) -> bool:  # noqa: ARG002
        """All are ours."""
        return True

    def turns(self, number: int) -> int:  # noqa: ARG002
        """Nobody else counts."""
        return 0

    def beat(self, number: int, turn: int, beat: int) -> None:
        """Nobody waits."""

    def beats(self, number: int, turn: int, known: int) -> int:  # noqa: ARG002
        """Nobody else counts."""
        return known
