"""What an answer of the API server other than success means, whatever the answer is. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from batchprocess.plain_text import MAX_MESSAGE

# Webhooks answer 400, policies 422, by default: what an invalid object gets, but here a person may
# change the policy.
_DENIERS = ("admission webhook ", "ValidatingAdmissionPolicy ")
_NOT_DRY = " does not support dry run"
_DENIALS = (" denied request", " denied the request")


class Meaning(Enum):
    """What whoever has asked can do about it."""

    REJECTED = auto()
    """This very request will never be taken."""
    UNSUPPORTED = auto()
    """Nor will any other with this method, or of this type."""
    UNKNOWN_USER = auto()
    """Nobody knows who asks."""
    DENIED = auto()
    """Who asks may not, or a webhook or policy says no: a person may repair it."""
    NOT_DRY = auto()
    """A webhook cannot be asked without anything being done."""
    NOT_FOUND = auto()
    ALREADY_EXISTS = auto()
    CONFLICT = auto()
    """The object was changed meanwhile, or is another one."""
    EXPIRED = auto()
    """A watch that begins further back than the API server remembers."""
    UNAVAILABLE = auto()
    """Whether it was done is unknown; try again."""


_MEANINGS: Mapping[int, Meaning] = {
    400: Meaning.REJECTED,
    401: Meaning.UNKNOWN_USER,
    403: Meaning.DENIED,
    404: Meaning.NOT_FOUND,
    405: Meaning.UNSUPPORTED,
    409: Meaning.CONFLICT,
    410: Meaning.EXPIRED,
    412: Meaning.CONFLICT,
    413: Meaning.REJECTED,
    415: Meaning.UNSUPPORTED,
    422: Meaning.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than success.

    reason: the API server's word, such as NotFound. message: its sentence, or the begin of
    whatever else there is. Both may be empty; tenants write most of the latter, so it is cut.
    """

    meaning: Meaning
    reason: str
    message: str


def refusal(status: int, body: bytes) -> Refusal:
    """What an answer with this status and body means."""
    reason, message = _said(body)
    return Refusal(_meaning(status, reason, message), reason, message)


def _meaning(status: int, reason: str, message: str) -> Meaning:
    if _is_denial(message):
        return Meaning.DENIED
    if message.startswith(_DENIERS) and message.endswith(_NOT_DRY):
        return Meaning.NOT_DRY
    if status == 409 and reason == "AlreadyExists":
        return Meaning.ALREADY_EXISTS
    return _MEANINGS.get(status, Meaning.UNAVAILABLE)


def _said(body: bytes) -> tuple[str, str]:
    """Reason and message. The latter is cut before anybody looks at it."""
    try:
        answer = json.loads(body)
        reason, message = answer.get("reason"), answer.get("message")
        return str(reason or ""), str(message or "")[:MAX_MESSAGE]
    except (ValueError, AttributeError, RecursionError):
        return "", body[:200].decode(errors="replace")


def _is_denial(message: str) -> bool:
    """Without a pattern: tenants write most of such a sentence, and decide what it costs."""
    found = [at for at in map(message.find, _DENIERS) if at >= 0]
    return bool(found) and any(message.find(words, min(found)) >= 0 for words in _DENIALS)
