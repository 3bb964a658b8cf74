"""The one schema of each table in a run: created once, before the first record with a file of it.

Created with whatever types came first; whoever has others finds that out before his record names
anything. Dying behind the create leaves a schema without a file, which the next attempt meets.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get, GetMany, ListSizes, Sync
from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.file_names import is_name
from batchprocess.protocol.records import digest
from batchprocess.protocol.run import encode_document, parse_document
from batchprocess.protocol.tables.table_schema import (
    MAX_SCHEMA_BYTES,
    MAX_TABLES,
    SCHEMAS_PREFIX,
    TableSchema,
    name_of_schema,
    schema_key,
)


@dataclass(frozen=True, slots=True)
class KeptSchema:
    """A schema as it stands in storage, and the digest of its very bytes."""

    schema: TableSchema
    digest: str

    @classmethod
    def parse(cls, key: str, body: bytes) -> "KeptSchema":
        """Read stored bytes; VerificationError if they are not a schema for this key."""
        schema = parse_document(TableSchema, key, body)
        if schema_key(schema.name) != key:
            raise VerificationError(f"{key} is the schema of {schema.name!r:.600}")
        return cls(schema, digest(body))


def agree_on(mine: TableSchema) -> Flow[KeptSchema]:
    """The run's schema for this name: `mine` if it has none yet. They may have other types."""
    key = schema_key(mine.name)
    body = encode_document(mine, key)
    if len(body) > MAX_SCHEMA_BYTES:
        raise ValueError(
            f"{mine.name!r}: the names and types of its {len(mine.columns)} columns have "
            f"{len(body)} bytes, at most {MAX_SCHEMA_BYTES} are kept: give fewer columns"
        )
    stored = yield from create(key, body)
    return KeptSchema.parse(key, body if stored is None else stored)


def read_schema(name: str) -> Flow[KeptSchema | None]:
    """The run's schema for this name; None if there is none yet."""
    key = schema_key(name)
    body: bytes | None = yield Get(key)
    if body is None:
        return None
    yield Sync(key)
    return KeptSchema.parse(key, body)


def known_schemas() -> Flow[dict[str, KeptSchema]]:
    """Those that a listing shows, by name: what it leaves out is met at the commit."""
    listed: dict[str, int] = yield ListSizes(SCHEMAS_PREFIX)
    keys = [key for key, size in sorted(listed.items()) if size <= MAX_SCHEMA_BYTES]
    keys = [key for key in keys if name_of_schema(key) is not None][:MAX_TABLES]
    bodies: list[bytes | None] = (yield GetMany(tuple(keys))) if keys else []
    for one in {key.rpartition("/")[0]: key for key in keys}.values():
        yield Sync(one)
    found = zip(keys, bodies, strict=True)
    kept = [KeptSchema.parse(key, body) for key, body in found if body is not None]
    return {one.schema.name: one for one in kept}


def named_schemas(ledgers: Iterable[ShardLedger]) -> dict[str, dict[str, str]]:
    """Which digests records give for each table's schema, each with where it stands first."""
    found: dict[str, dict[str, str]] = {}
    for ledger in ledgers:
        for body in ledger.bodies:
            where = f"shard {body.shard}, record {body.seq} ({body.type})"
            for name, one in body.schemas.items():
                if not is_name(name):
                    continue  # the ledger's check tells of it
                found.setdefault(name, {}).setdefault(one, where)
    return found


def require_schemas(ledgers: Iterable[ShardLedger]) -> Flow[None]:
    """Raise VerificationError unless all records go by the run's schemas, which are there."""
    for problem in (yield from schema_problems(named_schemas(ledgers))):
        raise VerificationError(problem)


def schema_problems(named: dict[str, dict[str, str]]) -> Flow[tuple[str, ...]]:
    """What is wrong with the schemas that `named_schemas` gives, a sentence each."""
    keys = tuple(map(schema_key, named))
    bodies: list[bytes | None] = (yield GetMany(keys)) if keys else []
    digests = (None if body is None else digest(body) for body in bodies)
    return tuple(_problems(named, dict(zip(keys, digests, strict=True))))


def _problems(named: dict[str, dict[str, str]], stored: dict[str, str | None]) -> Iterator[str]:
    for name, digests in named.items():
        key = schema_key(name)
        if stored[key] is None:
            yield f"{next(iter(digests.values()))} goes by {key}, which is missing"
            continue
        for one, where in digests.items():
            if one != stored[key]:
                yield f"{where} goes by another schema of {name!r} than {key}"
