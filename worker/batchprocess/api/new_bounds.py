"""Bounds that are asked of new jobs only: some were stored before the bound was.

The API server does the same (it lets an object that is stored already keep a value that it would
not take today), so that such a job goes on under a newer CRD and a newer operator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

STORED: Mapping[str, Any] = {"stored": True}
"""Validation context for an object that an API server has stored."""
MAX_WORD, MAX_WORDS = 131_072, 1_024
"""Linux starts no program with a longer word than 128 KiB."""
MAX_TEXT, MAX_ITEMS = 4_096, 1_024
"""Of a field of Kubernetes that is handed on: longer than a path may be, more than pods have."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """Annotates text or a list of at most `number` `unit`."""

    number: int
    unit: str
    keyword: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Count what the rest of the schema has let through."""
        return core_schema.with_info_after_validator_function(self._counted, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The bound, for the API server."""
        return handler(schema) | {self.keyword: self.number}

    def _counted(self, value: Any, info: ValidationInfo) -> Any:
        if not is_stored(info) and len(value) > self.number:
            raise ValueError(f"it has {len(value)} {self.unit} and may have {self.number}")
        return value


def at_most_characters(number: int) -> AtMost:
    """Bounds a text."""
    return AtMost(number, "characters", "maxLength")


def at_most_items(number: int) -> AtMost:
    """Bounds a list."""
    return AtMost(number, "items", "maxItems")


HANDED_ON: JsonSchemaValue = {
    "maxLength": MAX_TEXT,
    "maxItems": MAX_ITEMS,
    "maxProperties": MAX_ITEMS,
}
"""Of a value of any type: each bound is asked of what it fits."""


def check_handed_on(name: str, value: Any) -> None:
    """Raise ValueError for a new value of a Kubernetes field that is beyond `HANDED_ON`."""
    match value:
        case str() if len(value) > MAX_TEXT:
            raise ValueError(f"{name} has {len(value)} characters and may have {MAX_TEXT}")
        case list() | dict() if len(value) > MAX_ITEMS:
            raise ValueError(f"{name} has {len(value)} entries and may have {MAX_ITEMS}")


def is_stored(info: ValidationInfo) -> bool:
    """Whether an object is read that an API server has stored."""
    return bool((info.context or {}).get("stored"))
