"""Answers, and what browsers are told to keep to with each of them. Pure."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass

from batchprocess_operator.page.http.questions import COOKIE, SECURE_COOKIE

HTML = "text/html; charset=utf-8"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # Not no-referrer: browsers would hide the origin of our own forms, too.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_NEVER_KEPT = ("Cache-Control", "no-store")
_KEPT = ("Cache-Control", "public, max-age=31536000, immutable")
_WORTH_PACKING = 1_000
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole. `packed`: the body is gzip."""

    status: int
    body: bytes = b""
    content_type: str = HTML
    headers: Headers = ()
    kept: bool = False
    packed: bool = False

    @property
    def all_headers(self) -> Headers:
        """What is sent, but for the body's length."""
        said = [*_ALWAYS, _KEPT if self.kept else _NEVER_KEPT]
        said += [("Content-Type", self.content_type), ("Vary", "Accept-Encoding"), *self.headers]
        return (*said, ("Content-Encoding", "gzip")) if self.packed else tuple(said)


def packed(answer: Answer, accepted: str) -> Answer:
    """The same, smaller, for whoever takes it so; `accepted`: their Accept-Encoding."""
    takes = {one.partition(";")[0].strip().lower() for one in accepted.split(",")}
    if "gzip" not in takes or answer.packed or len(answer.body) < _WORTH_PACKING:
        return answer
    body = gzip.compress(answer.body, compresslevel=4, mtime=0)
    return Answer(
        answer.status, body, answer.content_type, answer.headers, kept=answer.kept, packed=True
    )


def go_to(path: str, *, in_place: bool = False, cookies: Iterable[str] = ()) -> Answer:
    """Ask for another page; a script cannot follow, and is told in its own way."""
    said = tuple(("Set-Cookie", one) for one in cookies)
    if in_place:
        return Answer(401, headers=(("HX-Redirect", path), *said))
    return Answer(303, headers=(("Location", path), *said))


def remember(token: str, *, secure: bool) -> str:
    """The cookie with a token, until the browser is closed or the visitor logs out."""
    if secure:
        return f"{SECURE_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Secure"
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"


def forget(*, secure: bool) -> tuple[str, ...]:
    """Cookies that take the place of a token's, and end at once."""
    end = "Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
    ours = (f"{COOKIE}=; {end}",)
    return (*ours, f"{SECURE_COOKIE}=; {end}; Secure") if secure else ours
