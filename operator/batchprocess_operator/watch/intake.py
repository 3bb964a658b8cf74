"""Objects on their way into the cache, one by one: a bad one is the trouble of nobody else."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from batchprocess_operator.watch.cache import JobCache
from batchprocess_operator.watch.collections import Kind
from batchprocess_operator.watch.freshness import Reading

_LOG = logging.getLogger(__name__)
_MAX_NOTED = 1_000


@dataclass
class Intake:
    """Full looks and watches hand over what they see; `changed` is for UIDs of jobs.

    `unreadable`: objects, or versions of them, that could not be read so far.
    """

    cache: JobCache
    changed: Callable[[str], None]
    unreadable: int = 0
    _noted: dict[str, None] = field(default_factory=dict)

    def put(self, kind: Kind, raw: Mapping[str, Any], reading: Reading | None = None) -> str | None:
        """An object was seen. Returns the UID of the job that it concerns, if any.

        `reading`: the question that it is an answer to, if it is one.
        """
        puts = {
            "job": self.cache.put_job,
            "child": self.cache.put_child,
            "pod": self.cache.put_pod,
        }
        return self._hand_over(partial(puts[kind], reading=reading), raw)

    def drop(self, kind: Kind, raw: Mapping[str, Any]) -> str | None:
        """An object is gone. Returns as `put` does."""
        drops = {
            "job": self.cache.drop_job,
            "child": self.cache.drop_child,
            "pod": self.cache.drop_pod,
        }
        return self._hand_over(drops[kind], raw)

    def skip(self, what: str, error: Exception) -> None:
        """`what` could not be read: count it, and say so once."""
        self.unreadable += 1
        if what in self._noted:
            return
        self._noted[what] = None
        while len(self._noted) > _MAX_NOTED:
            self._noted.pop(next(iter(self._noted)))
        _LOG.warning("%s is ignored: %s: %s", what, type(error).__name__, error)

    def _hand_over(
        self, do: Callable[[Mapping[str, Any]], str | None], raw: Mapping[str, Any]
    ) -> str | None:
        try:
            return do(raw)
        except Exception as error:  # noqa: BLE001
            # Anybody may have written it, and whatever it brings out must not stop the others.
            self.skip(_name(raw), error)
            return None


def uid_of(raw: Any) -> str:
    """Its own UID; empty for what has none."""
    meta = raw.get("metadata") if isinstance(raw, dict) else None
    uid = meta.get("uid") if isinstance(meta, dict) else None
    return uid if isinstance(uid, str) else ""


def _name(raw: Any) -> str:
    meta = raw.get("metadata") if isinstance(raw, dict) else None
    if not isinstance(meta, dict):
        return "an object without metadata"
    return f"{raw.get('kind', 'object')} {meta.get('namespace')}/{meta.get('name')}"
