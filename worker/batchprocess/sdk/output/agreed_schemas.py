"""Before a record names files of tables: the run's schema of each, which may be this one's.

If we die before a schema is created, nothing has happened; behind it, the next attempt finds a
schema without a file, and its own types must be those. A schema is never changed or removed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from batchprocess.ledger.effects import Flow
from batchprocess.ledger.tables.table_schemas import KeptSchema, agree_on, read_schema
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.sdk.output.commit_contents import CommitContents
from batchprocess.sdk.save.formats.table_types import TableTypes
from batchprocess.sdk.save.formats.writers import retyped, values_in
from batchprocess.sdk.save.table_schemas import TableSchemas, types_in, unknown_type
from batchprocess.storage.base import Storage

T = TypeVar("T")


class AgreedSchemas:
    """For the commits of one attempt, by the thread that makes them."""

    def __init__(
        self, schemas: TableSchemas, storage: Storage, patience: Callable[[], Patience]
    ) -> None:
        self._schemas, self._storage, self._patience = schemas, storage, patience

    def settle(self, contents: CommitContents, owned: Callable[[], Flow[None]]) -> dict[str, str]:
        """Digests of the schemas of all tables in a commit, whose files have these types then.

        `owned` raises Fenced if the shard is another's: he says what a new table has. Raises
        SchemaDiffers where the run has other types, or nobody knows a column's.
        """
        return {
            name: self._settled(name, path, types, owned) for name, path, types in contents.tables()
        }

    def _settled(
        self, name: str, path: Path, types: TableTypes, owned: Callable[[], Flow[None]]
    ) -> str:
        place = types.unknown()
        if place is None and (digest := self._schemas.digest(name)) is not None:
            # They were compared when they were saved.
            return digest
        self._perform(owned())
        kept: KeptSchema | None = (
            self._perform(agree_on(types.document(name)))
            if place is None
            else self._perform(read_schema(name))
        )
        if kept is None:
            raise unknown_type(name, place or "")
        of_run = types_in(kept.schema)
        self._schemas.keep(name, of_run, kept.digest, types, values_in(path))
        if place is not None:
            retyped(path, of_run)
        return kept.digest

    def _perform(self, flow: Flow[T]) -> T:
        return perform(flow, self._storage, self._patience())


def require_types(contents: CommitContents) -> None:
    """Where there is no run to ask: SchemaDiffers if a table has a column without a type."""
    for name, _, types in contents.tables():
        if (place := types.unknown()) is not None:
            raise unknown_type(name, place)
