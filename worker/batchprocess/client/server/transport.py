"""One request and its answer, read up to a bound. All errors of the way become ours here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from batchprocess.client.errors import ClusterError, Unavailable
from batchprocess.client.server.answers import error_of
from batchprocess.kube.pages import MAX_ANSWER
from batchprocess.kube.requests import Request

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3 import BaseHTTPResponse

TIMEOUT_SECONDS = 30.0
MAX_REFUSAL = 64 << 10
_CHUNK = 64 << 10
FIELD_MANAGER = "batchprocess"


class AnswerTooLong(ClusterError):
    """The answer is longer than we read; what was asked for is done all the same."""


class NestedTooDeep(Unavailable):
    """The answer is nested deeper than Python's reader of JSON goes."""


class Stream:
    """The body of an answer, piece by piece as it comes. `close` may be called by any thread."""

    def __init__(self, response: "BaseHTTPResponse") -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        from urllib3.exceptions import HTTPError

        try:
            yield from self._response.stream(_CHUNK)
        except (HTTPError, OSError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """End it: whoever waits for the next piece gets none, or Unavailable."""
        try:
            self._response.shutdown()
        except (OSError, ValueError, RuntimeError):
            return  # it has ended by itself


class Transport:
    """Requests of one account to one API server; threads may share it.

    seconds: after which an answer that has not come is none.
    """

    def __init__(self, client: "ApiClient", seconds: float = TIMEOUT_SECONDS) -> None:
        self._client, self._seconds = client, seconds

    def text(self, request: Request, most: int = MAX_ANSWER) -> bytes:
        """The body of an answer of success. Raises AnswerTooLong, and what `answers` makes."""
        with self._answer(request, self._seconds) as response:
            text = b""
            for part in Stream(response):
                text += part
                if len(text) > most:
                    raise AnswerTooLong(f"{request} answered more than {most} bytes")
            return text

    @contextmanager
    def stream(self, request: Request, silence: float) -> Iterator[Stream]:
        """An answer of any length; Unavailable after `silence` seconds without anything of it."""
        with self._answer(request, silence) as response:
            yield Stream(response)

    @contextmanager
    def _answer(self, request: Request, silence: float) -> "Iterator[BaseHTTPResponse]":
        """An answer of success, whose body is read inside."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            # Without the body, which is plain already.
            verb, url, signed, _, form = self._client.param_serialize(
                request.method,
                request.path,
                query_params=request.pairs(FIELD_MANAGER),
                header_params=request.headers(),
                auth_settings=["BearerToken"],
            )
            answer = self._client.call_api(
                verb, url, signed, request.body, form, _request_timeout=(self._seconds, silence)
            )
            response: BaseHTTPResponse = answer.response
            try:
                if not 200 <= response.status < 300:
                    body = response.read(MAX_REFUSAL, decode_content=True)
                    raise error_of(response.status, str(request), body)
                yield response
            finally:
                # Not given back to the pool: what was not read of it would be read by the next.
                response.close()
        except (HTTPError, ApiException, OSError) as error:
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the API server cannot be reached: {error or type(error).__name__}")


def decoded(text: bytes) -> dict[str, Any]:
    """The object in an answer. Raises Unavailable for what is none, as a proxy may answer."""
    try:
        found = json.loads(text)
    except RecursionError:
        said = "the API server's answer is no JSON that can be read: nested too deep"
        raise NestedTooDeep(said) from None
    except ValueError as error:
        raise Unavailable(f"the API server's answer is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unavailable(f"the API server's answer is no object: {text[:50]!r}")
    return found
