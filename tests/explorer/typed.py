"""Workers whose batches have types: A and B save one table, each with a type of its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from batchprocess.ledger import attempt as ledger
from batchprocess.ledger.effects import Put
from batchprocess.ledger.tables.table_schemas import KeptSchema, agree_on
from batchprocess.protocol.errors import BatchProcessError, SchemaDiffers
from batchprocess.protocol.records import digest
from batchprocess.protocol.run import encode_document
from batchprocess.protocol.tables.table_schema import SchemaColumn, TableSchema, schema_key
from explorer.checkers import TABLE, TYPES
from explorer.scripts import draft, identity

Agree = Callable[[TableSchema], Any]


def typed_worker(batches: int, agree: Agree = agree_on) -> Callable[[str, int], Any]:
    """As `worker`, with a schema that is agreed on before each commit, as the SDK does."""

    def script(name: str, start: int) -> Any:
        me = identity(name, start)
        mine = TableSchema(name=TABLE, columns=(SchemaColumn(name="x", type=TYPES[name[0]]),))
        try:
            claimed = yield from ledger.claim(me, max_without_progress=None)
            at = claimed.position
            while at.cursor < batches:
                yield from ledger.require_owner(me, at)
                kept: KeptSchema = yield from agree(mine)
                if kept.schema != mine:
                    raise SchemaDiffers(f"{TABLE} has other types in this run")
                content = draft(me, at.cursor, at.cursor + 1)
                named = replace(content, schemas={TABLE: kept.digest})
                at = yield from ledger.commit(me, at, named)
            yield from ledger.seal(me, at, draft(me, batches, batches), batches=batches)
        except BatchProcessError as error:
            return int(error.exit_code)
        return 0

    return script


def agree_by_overwriting(mine: TableSchema) -> Any:
    """A bug: who comes last has the last word."""
    body = encode_document(mine, schema_key(mine.name))
    yield Put(schema_key(mine.name), body)
    return KeptSchema(mine, digest(body))


def agree_with_oneself(mine: TableSchema) -> Any:
    """A bug: it is created, and what stands is not looked at."""
    yield from agree_on(mine)
    return KeptSchema(mine, digest(encode_document(mine, schema_key(mine.name))))


def agree_without_keeping(mine: TableSchema) -> Any:
    """A bug: the record comes first."""
    yield from ()
    return KeptSchema(mine, digest(encode_document(mine, schema_key(mine.name))))
