"""Who else has set the fields of a Job that we set, as its managedFields tell. Pure."""

from collections.abc import Mapping
from typing import Any

from batchprocess.plain_text import plain
from batchprocess_operator.model.names import FIELD_MANAGER

PATCHED = ("activeDeadlineSeconds", "parallelism", "suspend")
"""What we change on a Job that is there."""
_MAX_ENTRIES = 100
MAX_NAME = 64


def other_managers(meta: Mapping[str, Any]) -> dict[str, str]:
    """Field of the spec -> who set it last, where that is not us.

    Clients name themselves: the name is foreign text, which is cut and made plain.
    """
    entries = [one for one in meta.get("managedFields") or () if isinstance(one, Mapping)]
    found: dict[str, str] = {}
    for entry in sorted(entries[-_MAX_ENTRIES:], key=lambda one: str(one.get("time", ""))):
        manager, fields = entry.get("manager"), entry.get("fieldsV1")
        spec = fields.get("f:spec") if isinstance(fields, Mapping) else None
        if manager == FIELD_MANAGER or not isinstance(manager, str):
            continue
        if isinstance(spec, Mapping):
            found |= {name: plain(manager, MAX_NAME) for name in PATCHED if f"f:{name}" in spec}
    return found
