"""The objects that rows stand in, open in the process that reads them."""

import os
from functools import partial
from pathlib import Path
from typing import Any

from batchprocess.data.index.folder import Index
from batchprocess.data.index.packing.decoders import packing_of
from batchprocess.data.index.packing.unpacked import Packed
from batchprocess.data.index.packing.window import LastWindow
from batchprocess.data.index.process import indexed
from batchprocess.data.index.progress import Tell, tell_nobody
from batchprocess.data.index.wanted import Wanted
from batchprocess.data.listing.in_run import RunOfInput
from batchprocess.data.rows.part import Part
from batchprocess.ledger.inputs.blocks import read_block
from batchprocess.protocol.errors import VerificationError
from batchprocess.runs.patience import ATTENDED, Patience, retry_until_known
from batchprocess.runs.perform import perform
from batchprocess.storage.factory import open_storage
from batchprocess.storage.inputs.base import InputPlace
from batchprocess.storage.inputs.factory import open_inputs

_PATIENCE: Patience = ATTENDED


class OpenedObjects:
    """They are listed and counted once, when first asked for, or as a run knows them.

    Copies in other processes (forked or pickled, after that) read the same listing, by clients of
    their own. Not for two threads at a time.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._folder: Path | None = None
        self._run: RunOfInput | None = None
        self._opened: tuple[int, Index, dict[str, InputPlace]] | None = None
        self._unpacked = LastWindow()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def prepare(self, run: RunOfInput | None = None, tell: Tell = tell_nobody) -> None:
        """List and count, or take over what the run knows. tell: as of `indexed`."""
        self._folder, self._run = indexed(self.wanted, run, tell), run
        self._opened, self._unpacked = None, LastWindow()

    @property
    def index(self) -> Index:
        """Where the rows stand."""
        return self._here()[1]

    def read(self, part: Part, start: int, stop: int) -> bytes:
        """Bytes of an object, or of what it becomes if it is packed and rows stand in that."""
        kind = packing_of(part.object.key) if self.wanted.unpacks else None
        if kind is None:
            return self._stored(part, start, stop)
        file = Packed(part.name, kind, part.object.size, partial(self._stored, part))
        point = partial(self.index.point, part.block, part.number)
        return self._unpacked.of(file, part.number, point).read(start, stop)

    def _stored(self, part: Part, start: int, stop: int) -> bytes:
        read = partial(self._place(part.root).read, part.object, start, stop)
        return retry_until_known(read, _PATIENCE)

    def _place(self, root: str) -> InputPlace:
        _, _, places = self._here()
        if root not in places:
            places[root] = open_inputs(root, self.wanted.s3)
        return places[root]

    def _here(self) -> tuple[int, Index, dict[str, InputPlace]]:
        # A forked process makes its own clients: connections are not to be shared.
        if self._opened is None or self._opened[0] != os.getpid():
            if self._folder is None:
                self.prepare()
            if self._folder is None:
                raise RuntimeError("nothing was listed")
            self._opened = os.getpid(), Index(self._folder, self._part_of_run), {}
        return self._opened

    def _part_of_run(self, kind: str, block: int) -> bytes:
        """What another attempt has counted."""
        if self._run is None:
            raise VerificationError(f"block {block} of {kind} is of no run")
        storage = open_storage(self._run.uri, self._run.s3)
        flow = read_block(self.wanted.source, kind, block)
        found = perform(flow, storage, Patience(self._run.deadline_seconds))
        if found is None:
            raise VerificationError(
                f"{storage.uri}: where rows of block {block} are ({kind}) is missing from inputs/"
            )
        return found
