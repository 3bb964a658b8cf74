"""Signatures by the rules of Standard Webhooks: HMAC-SHA256 over id, time and body. Pure."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"
MAX_SECRETS = 5
_BYTES = range(24, 65)


def signing_keys(text: str) -> list[bytes]:
    """Keys of a Secret's value, a secret a line; several while one takes the place of another.

    Raises ValueError, which names a line by its number and has nothing of it.
    """
    lines = text.split()
    if not 0 < len(lines) <= MAX_SECRETS:
        raise ValueError(f"it has {len(lines)} signing secrets, and should have 1 to {MAX_SECRETS}")
    return [_key(number, line) for number, line in enumerate(lines, start=1)]


def sign(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature: one signature for each key."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _key(number: int, line: str) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not line.startswith(PREFIX) or len(key) not in _BYTES:
        raise ValueError(
            f"signing secret {number} is not {PREFIX} and the base64 of {_BYTES.start} to "
            f"{_BYTES.stop - 1} bytes"
        )
    return key
