"""Types of single values, with the bounds and patterns that both checkers know."""

from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

MAX_INT32 = 2**31 - 1
MUTABLE: dict[str, JsonValue] = {"x-mutable": True}
"""json_schema_extra of a field that may be changed on an existing job; no other may."""

Int32 = Annotated[int, Field(ge=-MAX_INT32 - 1, le=MAX_INT32)]
Positive = Annotated[int, Field(ge=1, le=MAX_INT32)]
NotNegative = Annotated[int, Field(ge=0, le=MAX_INT32)]
Seconds = Positive
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
JobName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=40)]
DnsLabel = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=63)]
ObjectName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
QueueName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=63)]
RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Reference = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.]+:[A-Za-z0-9_.]+$", max_length=256)
]
LabelValue = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63),
]
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
