"""A visitor without a browser: one request, one connection."""

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

OURS = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Reply:
    """What came back; `cookies` as a browser would send them from then on."""

    status: int
    headers: Mapping[str, str]
    cookies: str
    text: str

    @property
    def jobs(self) -> set[str]:
        """Namespace and name of the jobs that a list shows."""
        assert self.status == 200, self.text
        found = re.findall(r'<tr role="row" id="job-([^"]+)"', self.text)
        return {one.replace(".", "/", 1) for one in found}


def request(
    port: int,
    method: str,
    path: str,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Reply:
    """Ask the page, of this machine unless it is somewhere else."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        answer = connection.getresponse()
        set_cookies = answer.headers.get_all("Set-Cookie") or []
        cookies = "; ".join(one.partition(";")[0] for one in set_cookies)
        return Reply(answer.status, dict(answer.headers), cookies, answer.read().decode())
    finally:
        connection.close()


@dataclass(frozen=True)
class Visitor:
    """Somebody with a token, logged in or not."""

    port: int
    cookies: str
    host: str = "127.0.0.1"

    def get(self, path: str, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return request(
            self.port, "GET", path, headers={"Cookie": self.cookies} | named, host=self.host
        )


def log_in(port: int, token: str, host: str = "127.0.0.1") -> tuple[Reply, Visitor]:
    """Send the form."""
    found = request(port, "POST", "/login", urlencode({"token": token}), OURS, host)
    return found, Visitor(port, found.cookies, host)
