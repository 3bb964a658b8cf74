"""The schema by which the API server fills in defaults, for jobs with fields we do not know."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchprocess.kube import paths
from batchprocess.plain_text import plain
from batchprocess.protocol.job_object import GROUP, KIND, VERSION
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import ApiError, NotFound
from batchprocess_operator.model.job import UnknownField
from batchprocess_operator.observe.unknown_fields import refusal, undefaulted

VALID_SECONDS = 30.0
"""Of an answer, or of having none: asked for by all jobs together at most so often."""
_MAX_TROUBLE = 300
_OBJECT = {"group": GROUP, "version": VERSION, "kind": KIND}


class ServedSchema:
    """The newest answer. `clock` in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api, self._clock = api, clock
        self._asked, self._asking = float("-inf"), asyncio.Lock()
        self._schema: Mapping[str, Any] = {}
        self._trouble = ""

    async def refusal(self, unknown: Sequence[UnknownField]) -> str:
        """Why nothing may be begun by a job with these fields; empty if it may."""
        told = [field for field in unknown if field.value is not None]
        if not told:
            return ""
        await self._look()
        if self._trouble:
            return refusal(told, self._trouble)
        meant = undefaulted(told, self._schema)
        return refusal(meant) if meant else ""

    async def _look(self) -> None:
        async with self._asking:
            if self._clock() - self._asked < VALID_SECONDS:
                return
            try:
                # Whoever has an account may read it; CRDs themselves, only whom a ClusterRole lets.
                self._schema = _schema_of(await self._api.get(paths.served_schema()))
                self._trouble = ""
            except ApiError as error:
                self._trouble = plain(str(error), _MAX_TROUBLE)
            self._asked = self._clock()


def _schema_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for schema in document.get("components", {}).get("schemas", {}).values():
        if _OBJECT in schema.get("x-kubernetes-group-version-kind", ()):
            found: Mapping[str, Any] = schema
            return found
    raise NotFound(f"{paths.served_schema()} has no schema of {KIND}")
