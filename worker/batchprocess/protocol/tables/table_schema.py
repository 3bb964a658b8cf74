"""`schemas/<name>.json`: the types of a table's columns, one set of them for the whole run."""

from pydantic import BaseModel, ConfigDict

SCHEMAS_PREFIX = "schemas/"
MAX_SCHEMA_BYTES = 1 << 20
MAX_TABLES = 1_000
"""Of a run: each has an object of its own, which every attempt reads."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SchemaColumn(_Model):
    """One column. `shape` is that of one row's value, in the formats that hold tensors."""

    name: str
    type: str
    shape: tuple[int, ...] | None = None


class TableSchema(_Model):
    """What every file of a table has, in this order; `id` is the first.

    `arrow` is Arrow's own encoding of the schema, in base64: what counts for a `.parquet`, of which
    `columns` are for people.
    """

    name: str
    columns: tuple[SchemaColumn, ...]
    arrow: str | None = None


def has_schema(name: str) -> bool:
    """Whether files of `save` called so have one: lines of JSON are what they are, and the ids
    beside a `.npy` go by its schema."""
    return not name.endswith((".jsonl", ".ids.npy"))


def schema_key(name: str) -> str:
    """Where the schema of files that are called `name` stands."""
    return f"{SCHEMAS_PREFIX}{name}.json"


def name_of_schema(key: str) -> str | None:
    """The name of whose files `key` has the schema; None if it is no such key."""
    if not (key.startswith(SCHEMAS_PREFIX) and key.endswith(".json")):
        return None
    return key[len(SCHEMAS_PREFIX) : -len(".json")] or None
