"""Types of single values, with the bounds and patterns that both checkers know."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, StringConstraints

from batchprocess.protocol.bad_rows.limit import PERCENT
from batchprocess.protocol.json_values import MAX_COUNT

MAX_INT32 = 2**31 - 1
MAX_SHARDS = 10_000
MUTABLE: dict[str, JsonValue] = {"x-mutable": True}
"""json_schema_extra of a field that may be changed on an existing job; no other may."""

Int32 = Annotated[int, Field(ge=-MAX_INT32 - 1, le=MAX_INT32)]
Positive = Annotated[int, Field(ge=1, le=MAX_INT32)]
NotNegative = Annotated[int, Field(ge=0, le=MAX_INT32)]
Seconds = Positive
NotNegativeCount = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Percent = Annotated[str, StringConstraints(pattern=PERCENT, max_length=10)]
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
JobName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=40)]
DnsLabel = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=63)]
ObjectName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
QueueName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=63)]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$", max_length=64)]
REFERENCE = r"^[A-Za-z0-9_.]+:[A-Za-z0-9_.]+$"
Reference = Annotated[str, StringConstraints(pattern=REFERENCE, max_length=256)]
LabelValue = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63),
]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Quantity = (
    Annotated[int, Field(ge=0)]
    | Annotated[
        str,
        StringConstraints(
            pattern=r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$",
            max_length=32,
        ),
    ]
)
"""An amount of a resource, such as 2, 500m or 4Gi."""


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if item is not None}


Labels = Annotated[dict[str, LabelValue], BeforeValidator(_without_nulls)]
Annotations = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=16_384)]],
    BeforeValidator(_without_nulls),
]
Quantities = Annotated[dict[str, Quantity], BeforeValidator(_without_nulls)]

Count = Annotated[int, Field(ge=0, le=MAX_COUNT + 1)]
"""One more than is ever written: CRDs that are installed say so, and a narrower bound would make a
stored status unreadable. The API server holds bounds as 64-bit floats, which have both exactly."""

# A status is read whatever its size: only the API server counts the characters of its texts.
ShortText = Annotated[str, Field(json_schema_extra={"maxLength": 1_024})]
LongText = Annotated[str, Field(json_schema_extra={"maxLength": 4_096})]
Ranges = Annotated[str, Field(json_schema_extra={"maxLength": 6 * MAX_SHARDS})]
"""Numbers below 10,000, each with what separates it from the next, and room to spare."""
Counts = Annotated[str, Field(json_schema_extra={"maxLength": 17 * MAX_SHARDS})]
"""One of at most 16 digits for each shard, and what separates them."""
