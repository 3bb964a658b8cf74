"""Python processes without the two seconds that importing torch takes."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from support.zygote import client

_TESTS = Path(__file__).parents[2]
_CODE = """
import sys
path, tests, descriptor = list(sys.path), sys.argv[1], int(sys.argv[2])
sys.path.append(tests)
from support.zygote.server import main
main(descriptor, path)
"""


@contextmanager
def forked() -> Iterator[None]:
    """Inside, `subprocess` starts this interpreter, and it its like, by forks of a zygote."""
    connection, _ = _zygote()
    client.use(connection)
    try:
        yield
    finally:
        client.stop_using()


@cache
def _zygote() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    ours, theirs = socket.socketpair()
    started = subprocess.Popen(
        [sys.executable, "-P", "-c", _CODE, str(_TESTS), str(theirs.fileno())],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    return ours, started


def stop() -> None:
    """End the zygote, if there is one."""
    if _zygote.cache_info().currsize:
        connection, process = _zygote()
        _zygote.cache_clear()
        # For whoever has inherited our end as well: a process that a test has forked may still be.
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()
        process.wait(20)
