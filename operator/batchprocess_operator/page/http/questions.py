"""A request as the page sees it: its parts, its token, and whether our own page sent it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

COOKIE = "batchprocess-token"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Browsers take one of this name only over TLS, from this very host, and for all of its paths."""
MAX_TOKEN = 3_800
"""Characters; with its name and its attributes a cookie has 4,096."""
_MAX_FIELDS = 16
_MAX_VALUE = 256


@dataclass(frozen=True, slots=True)
class Question:
    """One request. `headers` by their lower-case names; `address` of who has connected."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str
    body: bytes = b""

    @property
    def token(self) -> str:
        """The visitor's token; empty if there is none that could be one."""
        found = _cookies(self.headers.get("cookie", ""))
        token = found.get(SECURE_COOKIE) or found.get(COOKIE) or ""
        return token if may_be_token(token) else ""

    @property
    def in_place(self) -> bool:
        """Whether a script of ours asks, that puts the answer into the page."""
        return self.headers.get("hx-request") == "true"

    @property
    def secure(self) -> bool:
        """Whether the browser speaks TLS, to us or to what stands before us."""
        return self.headers.get("origin", "").startswith("https://")

    @property
    def from_our_page(self) -> bool:
        """Whether the browser says that our own page sends this; one that says nothing does not."""
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        try:
            origin = urlsplit(self.headers.get("origin", "")).netloc
        except ValueError:
            return False
        return bool(origin) and origin == self.headers.get("host")

    def field(self, name: str) -> str:
        """Of a form that was sent; empty if it is not there."""
        try:
            given = parse_qs(self.body.decode("ascii"), max_num_fields=_MAX_FIELDS)
        except ValueError:
            return ""
        return given.get(name, [""])[0].strip()


def query_of(text: str) -> dict[str, str]:
    """A query's first values, cut; an empty one for what is none."""
    try:
        given = parse_qs(text, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    return {name: values[0][:_MAX_VALUE] for name, values in given.items()}


def may_be_token(text: str) -> bool:
    """Whether a header may carry it: tokens are printable ASCII without what ends a cookie."""
    plain = text.isascii() and text.isprintable()
    return 0 < len(text) <= MAX_TOKEN and plain and not set(text) & set(' ";,\\')


def _cookies(header: str) -> dict[str, str]:
    pairs = (one.strip().partition("=") for one in header.split(";"))
    return {name: value for name, _, value in pairs}
