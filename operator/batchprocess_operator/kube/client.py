"""Plain-object requests to the API server: paths, pacing, and answers as our own errors.

The generated API classes check every field of every object against one Kubernetes version. We
pass objects through as they are, so only the client's connection, TLS and credentials are used.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.client.rest import RESTResponse

from batchprocess_operator.kube import deep_json
from batchprocess_operator.kube.answers import error_of
from batchprocess_operator.kube.bounded_read import TooLarge, lines_at_most, read_at_most
from batchprocess_operator.kube.errors import OversizedAnswer, Unavailable
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.kube.server_clock import ServerClock
from batchprocess_operator.model.names import FIELD_MANAGER

_TIMEOUT_SECONDS = 30.0
_WATCH_SECONDS = 300
_SILENT_SECONDS = 330.0
"""A watch ends after five minutes; one that does not is dead."""
_PAGE = 500
MAX_PAGE = 2 << 20
"""Of text; in memory it is up to twenty times as large. Pages of larger objects have fewer."""
MAX_ANSWER = 16 << 20
"""Of one object, which has at most 1.5 MiB in etcd, and as JSON a few times as much."""
MERGE_PATCH = "application/merge-patch+json"
Object = dict[str, Any]


class Api:
    """One connection pool for the whole operator; `rate_limit` bounds requests a second.

    `time` is told the time of each answer.
    """

    def __init__(
        self, client: ApiClient, rate_limit: RateLimit, time: ServerClock | None = None
    ) -> None:
        self._client, self._rate_limit, self._time = client, rate_limit, time

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """The object at `path`."""
        return await self._request("GET", path, query=query)

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Create `body` in the collection at `path`. Raises AlreadyExists."""
        return await self._request("POST", path, body=body)

    async def dry_run(self, path: str, body: Mapping[str, Any]) -> Object:
        """What `create` would answer; nothing is stored. Raises DryRunUnsupported."""
        return await self._request("POST", path, query={"dryRun": "All"}, body=body)

    async def merge(self, path: str, body: Mapping[str, Any]) -> Object:
        """Merge-patch the object at `path`; a uid or resourceVersion in `body` must match."""
        return await self._request("PATCH", path, body=body, content=MERGE_PATCH)

    async def replace(self, path: str, body: Mapping[str, Any]) -> Object:
        """Put `body` at `path`; its resourceVersion must be the stored one. Raises Conflict."""
        return await self._request("PUT", path, body=body)

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete the object at `path` with what it owns, if it is the one with `uid`."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        await self._request("DELETE", path, body=body)

    async def pages(self, path: str, selector: str | None = None) -> AsyncIterator[Object]:
        """Every object of the collection at `path`, a page at a time.

        Pages of large objects are made smaller: tenants decide how large theirs are.
        """
        query = {} if selector is None else {"labelSelector": selector}
        size = _PAGE
        while True:
            most = MAX_PAGE if size > 1 else MAX_ANSWER
            limited = query | {"limit": str(size)}
            try:
                text = await self._text("GET", path, query=limited, limit=most)
            except OversizedAnswer:
                if size == 1:
                    raise
                size //= 2
                continue
            page = _decoded("GET", path, text)
            if len(text) < MAX_PAGE // 4:
                size = min(2 * size, _PAGE)
            for item in page["items"]:
                yield item
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def newest_version(self, path: str, selector: str | None = None) -> int:
        """Where a watch of the collection at `path` begins, to show all that comes from now on."""
        query = {"limit": "1"} if selector is None else {"limit": "1", "labelSelector": selector}
        page = await self._request("GET", path, query=query)
        return int(page["metadata"]["resourceVersion"])

    async def watch(
        self, path: str, selector: str | None, version: int
    ) -> AsyncGenerator[bytes, None]:
        """Events after `version` of the collection at `path`, each the text of a JSON object.

        For five minutes. Raises Expired if `version` is too long ago.
        """
        query = {"watch": "true", "allowWatchBookmarks": "true"}
        query |= {"timeoutSeconds": str(_WATCH_SECONDS), "resourceVersion": str(version)}
        if selector is not None:
            query["labelSelector"] = selector
        async with self._answer("GET", path, query, None, "", _SILENT_SECONDS) as answer:
            if answer.status != 200:
                text = await read_at_most(answer.response, MAX_ANSWER)
                raise error_of(answer.status, "GET", text, answer.headers)
            async for line in lines_at_most(answer.response, MAX_ANSWER):
                yield line

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
    ) -> Object:
        text = await self._text(method, path, query=query, body=body, content=content)
        return _decoded(method, path, text)

    async def _text(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
        limit: int | None = None,
    ) -> bytes:
        """The body of an answer of success."""
        async with self._answer(method, path, query, body, content, _TIMEOUT_SECONDS) as answer:
            text = await read_at_most(answer.response, limit or MAX_ANSWER)
        if 200 <= answer.status < 300:
            return text
        raise error_of(answer.status, method, text, answer.headers)

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        content: str,
        seconds: float,
    ) -> AsyncIterator[RESTResponse]:
        """An answer whose body is read inside, where all errors of the way become ours."""
        await self._rate_limit.wait()
        pairs = list((query or {}).items())
        if method in ("POST", "PUT", "PATCH"):
            pairs.append(("fieldManager", FIELD_MANAGER))
        headers = {"Accept": "application/json", "Content-Type": content or "application/json"}
        try:
            # Without the body, which is plain already: walking through it costs more than sending.
            verb, url, signed, _, form = await self._client.param_serialize(
                method,
                path,
                query_params=pairs,
                header_params=headers,
                auth_settings=["BearerToken"],
            )
            asked = 0.0 if self._time is None else self._time.clock()
            answer = await self._client.call_api(
                verb, url, signed, body, form, _request_timeout=seconds
            )
            if self._time is not None:
                self._time.answered(answer.headers.get("Date"), asked)
            async with answer.response:
                yield answer
        except TooLarge as error:
            raise OversizedAnswer(f"{method} {path} answered {error}") from error
        except (TimeoutError, aiohttp.ClientError, OSError, ApiException) as error:
            raise Unavailable(f"{method} {path}: {error or type(error).__name__}") from error


def _decoded(method: str, path: str, text: bytes) -> Object:
    try:
        found: Object = deep_json.loads(text)
    except ValueError as error:
        raise Unavailable(f"{method} {path} answered what is no JSON: {error}") from error
    return found
