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

from batchprocess.kube import requests
from batchprocess.kube.pages import MAX_ANSWER, Pages
from batchprocess.kube.requests import Object, Request
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


class Api:
    """One connection pool for the whole operator; `rate_limit` bounds requests a second.

    `time` is told the time of each answer.
    """

    def __init__(
        self, client: ApiClient, rate_limit: RateLimit, time: ServerClock | None = None
    ) -> None:
        self._client, self._rate_limit, self._time = client, rate_limit, time

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, most: int = MAX_ANSWER
    ) -> Object:
        """The object at `path`. Raises OversizedAnswer for one of more than `most` bytes."""
        request = requests.get(path, query)
        return _decoded(request, await self._text(request, most))

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Create `body` in the collection at `path`. Raises AlreadyExists."""
        return await self._object(requests.create(path, body))

    async def dry_run(self, path: str, body: Mapping[str, Any]) -> Object:
        """What `create` would answer; nothing is stored. Raises DryRunUnsupported."""
        return await self._object(requests.create(path, body, {"dryRun": "All"}))

    async def merge(self, path: str, body: Mapping[str, Any]) -> Object:
        """Merge-patch the object at `path`; a uid or resourceVersion in `body` must match."""
        return await self._object(requests.patch(path, body))

    async def replace(self, path: str, body: Mapping[str, Any]) -> Object:
        """Put `body` at `path`; its resourceVersion must be the stored one. Raises Conflict."""
        return await self._object(requests.replace(path, body))

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete the object at `path` with what it owns, if it is the one with `uid`."""
        await self._object(requests.delete(path, uid))

    async def pages(self, path: str, selector: str | None = None) -> AsyncIterator[Object]:
        """Every object of the collection at `path`, a page at a time."""
        pages = Pages(path, selector)
        while pages.more:
            try:
                text = await self._text(pages.request, pages.most)
            except OversizedAnswer:
                if pages.alone:
                    raise
                pages.shrink()
                continue
            page = _decoded(pages.request, text)
            pages.took(page, len(text))
            for item in page["items"]:
                yield item

    async def newest_version(self, path: str, selector: str | None = None) -> int:
        """Where a watch of the collection at `path` begins, to show all that comes from now on."""
        query = {"limit": "1"} if selector is None else {"limit": "1", "labelSelector": selector}
        page = await self._object(requests.get(path, query))
        return int(page["metadata"]["resourceVersion"])

    async def watch(
        self, path: str, selector: str | None, version: int
    ) -> AsyncGenerator[bytes, None]:
        """Events after `version` of the collection at `path`, each the text of a JSON object.

        For five minutes. Raises Expired if `version` is too long ago.
        """
        query = {"allowWatchBookmarks": "true"}
        if selector is not None:
            query["labelSelector"] = selector
        request = requests.watch(path, str(version), _WATCH_SECONDS, query)
        async with self._answer(request, _SILENT_SECONDS) as answer:
            if answer.status != 200:
                text = await read_at_most(answer.response, MAX_ANSWER)
                raise error_of(answer.status, text, answer.headers)
            async for line in lines_at_most(answer.response, MAX_ANSWER):
                yield line

    async def _object(self, request: Request) -> Object:
        return _decoded(request, await self._text(request, MAX_ANSWER))

    async def _text(self, request: Request, most: int) -> bytes:
        """The body of an answer of success."""
        async with self._answer(request, _TIMEOUT_SECONDS) as answer:
            text = await read_at_most(answer.response, most)
        if 200 <= answer.status < 300:
            return text
        raise error_of(answer.status, text, answer.headers)

    @asynccontextmanager
    async def _answer(self, request: Request, seconds: float) -> AsyncIterator[RESTResponse]:
        """An answer whose body is read inside, where all errors of the way become ours."""
        await self._rate_limit.wait()
        try:
            # Without the body, which is plain already: walking through it costs more than sending.
            verb, url, signed, _, form = await self._client.param_serialize(
                request.method,
                request.path,
                query_params=request.pairs(FIELD_MANAGER),
                header_params=request.headers(),
                auth_settings=["BearerToken"],
            )
            asked = 0.0 if self._time is None else self._time.clock()
            answer = await self._client.call_api(
                verb, url, signed, request.body, form, _request_timeout=seconds
            )
            if self._time is not None:
                self._time.answered(answer.headers.get("Date"), asked)
            async with answer.response:
                yield answer
        except TooLarge as error:
            raise OversizedAnswer(f"{request} answered {error}") from error
        except (TimeoutError, aiohttp.ClientError, OSError, ApiException) as error:
            raise Unavailable(f"{request}: {error or type(error).__name__}") from error


def _decoded(request: Request, text: bytes) -> Object:
    try:
        found: Object = deep_json.loads(text)
    except ValueError as error:
        raise Unavailable(f"{request} answered what is no JSON: {error}") from error
    return found
