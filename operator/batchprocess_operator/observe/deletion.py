"""What keeps a Job that is being deleted. Pure."""

from collections.abc import Mapping
from typing import Any

from batchprocess.plain_text import plain

_MAX_NAMED = 3
_MAX_NAME = 128


def kept_by(meta: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Some of its finalizers; None for an object that nobody deletes.

    `foregroundDeletion` is Kubernetes' own: pods of it are not gone yet.
    """
    if meta.get("deletionTimestamp") is None:
        return None
    names = meta.get("finalizers") or ()
    return tuple(plain(str(name), _MAX_NAME) for name in names[:_MAX_NAMED])
