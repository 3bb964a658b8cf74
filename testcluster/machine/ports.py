"""Free ports, and the questions that tell whether a program is ready."""

import functools
import http.client
import socket
import ssl
import urllib.request
from pathlib import Path


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port of the address that is free now."""
    with socket.socket() as one:
        one.bind((address, 0))
        return int(one.getsockname()[1])


def listens(address: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        with socket.create_connection((address, port), timeout=5):
            return True
    except OSError:
        return False


def answers(url: str, authority: Path | None = None) -> bool:
    """Whether a GET is answered with 200; without an authority any certificate will do."""
    try:
        with _opener(authority).open(url, timeout=5) as answer:
            return bool(answer.status == http.client.OK)
    except (OSError, http.client.HTTPException):
        return False


@functools.cache
def _opener(authority: Path | None) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=authority)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # A proxy that the environment names has no business here.
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
