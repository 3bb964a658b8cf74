"""One report over HTTPS to a server whose CA is pinned. Blocking: for the reporting thread only."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from batchprocess.agent.reports.delivery import Answer
from batchprocess.plain_text import plain
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.progress import REPORTS_PATH
from batchprocess.protocol.variables import PROGRESS_CA, PROGRESS_TOKEN_FILE, PROGRESS_URL

TIMEOUT_SECONDS = 3.0
MAX_ANSWER_BYTES = 1_024
_TOO_MANY_REQUESTS = 429
_MAX_PROBLEM = 300


class HttpsReporter:
    """Keeps one connection for as long as the server does."""

    def __init__(self, url: str, ca: str, token_file: Path, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname is None:
            raise ValueError(f"{PROGRESS_URL} must be https://host:port, found {url!r}")
        # This kind of context checks names and trusts nobody unless given whom: one CA, no other.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"{PROGRESS_CA} is no PEM certificate: {error}") from error
        self._path = parts.path.rstrip("/") + REPORTS_PATH
        self._token_file = token_file
        self._connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout, context=context
        )

    @classmethod
    def open(cls, environment: WorkerEnvironment, timeout: float = TIMEOUT_SECONDS) -> Self:
        """ValueError or OSError if the environment's address, CA or token file make no sense."""
        ca, token_file = environment.progress_ca, environment.progress_token_file
        if ca is None or token_file is None:
            missing = PROGRESS_CA if ca is None else PROGRESS_TOKEN_FILE
            raise ValueError(f"{PROGRESS_URL} is set, {missing} is not")
        return cls(environment.progress_url or "", ca, Path(token_file), timeout)

    def post(self, body: bytes) -> Answer:
        """Send one report. Whatever goes wrong on the way is the answer's `problem`."""
        try:
            # Read anew each time: the kubelet replaces the token long before it expires.
            token = self._token()
            fresh = self._connection.sock is None
            try:
                return self._send(body, token)
            except (ConnectionError, ssl.SSLEOFError):
                # The server ended the idle connection. Repeating is harmless: newest wins.
                if fresh:
                    raise
                self._connection.close()
                return self._send(body, token)
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            self._connection.close()
            return Answer(plain(f"{type(error).__name__}: {error}", _MAX_PROBLEM))

    def close(self) -> None:
        """Give the connection back; another report would open one again."""
        self._connection.close()

    def _token(self) -> str:
        token = self._token_file.read_text().strip()
        if not (token.isascii() and token.isprintable() and token):
            # Said by us, because http.client would print what it refuses to send.
            raise OSError(f"{self._token_file} does not hold a token")
        return token

    def _send(self, body: bytes, token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection.request("POST", self._path, body, headers)
        with self._connection.getresponse() as response:
            content = response.read(MAX_ANSWER_BYTES)
            if not response.isclosed():
                # More is coming than we care to read.
                self._connection.close()
            if response.status == _TOO_MANY_REQUESTS:
                return Answer(wait=_seconds(response.getheader("Retry-After")))
            if 200 <= response.status < 300:
                return Answer()
            return Answer(f"{response.status} {_sentence(content)}")


def _seconds(header: str | None) -> float:
    """Retry-After as seconds; its other form, a date, is not for clocks that may differ."""
    return float(header) if header is not None and header.isascii() and header.isdecimal() else 0.0


def _sentence(body: bytes) -> str:
    """The server's own reason, fit for a log."""
    try:
        text = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "without a word that we understand"
    return plain(str(text), _MAX_PROBLEM)
