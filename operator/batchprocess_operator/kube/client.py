"""Plain-object requests to the API server: paths, pacing, and answers as our own errors.

The generated API classes check every field of every object against one Kubernetes version. We
pass objects through as they are, so only the client's connection, TLS and credentials are used.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException

from batchprocess_operator.kube.bounded_read import TooLarge, read_at_most
from batchprocess_operator.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Denied,
    NotFound,
    OversizedAnswer,
    Rejected,
    Unavailable,
)
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.model.names import FIELD_MANAGER

_TIMEOUT_SECONDS = 30.0
_PAGE = 500
MAX_ANSWER = 16 << 20
"""A page of usual pods is a third of it; no single object may be larger than 1.5 MiB in etcd."""
MERGE_PATCH = "application/merge-patch+json"
Object = dict[str, Any]
# Webhooks answer 400, policies 422, by default: what an invalid object gets, but here a person may
# change the policy.
_DENIAL = re.compile(
    r"\b(admission webhook|ValidatingAdmissionPolicy) .* denied( the)? request", re.S
)


class Api:
    """One connection pool for the whole operator; `rate_limit` bounds requests a second."""

    def __init__(self, client: ApiClient, rate_limit: RateLimit) -> None:
        self._client, self._rate_limit = client, rate_limit

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        """The object at `path`."""
        return await self._request("GET", path, query=query)

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Create `body` in the collection at `path`. Raises AlreadyExists."""
        return await self._request("POST", path, body=body)

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
            try:
                page = await self._request("GET", path, query=query | {"limit": str(size)})
            except OversizedAnswer:
                if size == 1:
                    raise
                size //= 2
                continue
            for item in page["items"]:
                yield item
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
    ) -> Object:
        await self._rate_limit.wait()
        pairs = list((query or {}).items())
        if method in ("POST", "PUT", "PATCH"):
            pairs.append(("fieldManager", FIELD_MANAGER))
        headers = {"Accept": "application/json", "Content-Type": content}
        try:
            # Without the body, which is plain already: walking through it costs more than sending.
            verb, url, signed, _, form = await self._client.param_serialize(
                method,
                path,
                query_params=pairs,
                header_params=headers,
                auth_settings=["BearerToken"],
            )
            answer = await self._client.call_api(
                verb, url, signed, body, form, _request_timeout=_TIMEOUT_SECONDS
            )
            text = await read_at_most(answer.response, MAX_ANSWER)
        except TooLarge as error:
            raise OversizedAnswer(f"{method} {path} answered {error}") from error
        except (TimeoutError, aiohttp.ClientError, OSError, ApiException) as error:
            raise Unavailable(f"{method} {path}: {error or type(error).__name__}") from error
        if 200 <= answer.status < 300:
            found: Object = json.loads(text)
            return found
        raise error_of(answer.status, method, text)


def error_of(status: int, method: str, text: bytes) -> ApiError:
    """What an answer other than success means."""
    try:
        answer = json.loads(text)
        reason, message = answer.get("reason"), str(answer.get("message") or "")
    except (ValueError, AttributeError):
        reason, message = None, text[:200].decode(errors="replace")
    if _DENIAL.search(message):
        return Denied(message)
    kinds: dict[int, type[ApiError]] = {
        400: Rejected,
        401: Denied,
        403: Denied,
        404: NotFound,
        409: AlreadyExists if method == "POST" and reason == "AlreadyExists" else Conflict,
        412: Conflict,
        413: Rejected,
        422: Rejected,
    }
    return kinds.get(status, Unavailable)(message or f"status {status}")
