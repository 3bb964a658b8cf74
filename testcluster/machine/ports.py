"""Free ports, and the questions that tell whether a program is ready."""

import contextlib
import functools
import http.client
import random
import socket
import ssl
import urllib.request
from pathlib import Path

from testcluster.errors import ClusterError

_RANDOM = random.SystemRandom()


FREE_PORTS = range(16_000, 30_000)
"""Below those that Linux gives to connections, which would take one before its program has it."""
TRIES = 1_000


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port of the address that is free now, drawn so that two who ask get different ones.

    Raises ClusterError if a thousand draws find none.
    """
    for _ in range(TRIES):
        port = _RANDOM.choice(FREE_PORTS)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((address, port))
            return port
    raise ClusterError(f"no port of {FREE_PORTS} is free at {address}")


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
