"""What a pod's status says besides its phase and our container's exit code. Pure."""

from collections.abc import Mapping
from typing import Any

from batchprocess_operator.model.names import WORKER_CONTAINER
from batchprocess_operator.model.plain_text import plain

Raw = Mapping[str, Any]
_MAX_NAMED = 3
_MAX_NAME = 63


def containers_beside(status: Raw) -> tuple[str, ...]:
    """Some plain containers besides ours that have not ended: while one has not, no pod does.

    Kubernetes ends native sidecars, which are init containers, by itself.
    """
    going = (
        plain(str(one.get("name")), _MAX_NAME)
        for one in status.get("containerStatuses") or ()
        if one.get("name") != WORKER_CONTAINER and "terminated" not in (one.get("state") or {})
    )
    return tuple(going)[:_MAX_NAMED]
