"""What a zygote is asked: to become one Python process."""

import os
import pickle
import socket
import struct
from dataclasses import dataclass, replace

_LENGTH = struct.Struct("!I")
_MOST_DESCRIPTORS = 64
_GONE = "a zygote or who asked it died in the middle of a request"


@dataclass(frozen=True)
class Request:
    """One process to start.

    `kind` and `main`: a script's path, a module's name or code; `arguments` are what follows it.
    `flags`: the interpreter's own, -P or -u. `ignored`: the signals that it is born to ignore.
    `descriptors`: what is open under which number in the new process, as numbers of the process
    that holds the request.
    """

    kind: str
    main: str
    arguments: tuple[str, ...]
    flags: frozenset[str]
    environ: dict[str, str]
    directory: str
    new_session: bool
    ignored: frozenset[int]
    descriptors: dict[int, int]


def send(connection: socket.socket, request: Request) -> int:
    """Hand over a request with copies of its descriptors; the new process's id."""
    numbers = list(request.descriptors)
    body = pickle.dumps((request, numbers))
    # One byte carries the descriptors: a stream may cut longer messages, and them with it.
    socket.send_fds(connection, [b"+"], [request.descriptors[number] for number in numbers])
    connection.sendall(_LENGTH.pack(len(body)) + body)
    (pid,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return int(pid)


def receive(connection: socket.socket) -> Request | None:
    """The next request, with descriptors of this process; None when the asker has gone."""
    start, held, _, _ = socket.recv_fds(connection, 1, _MOST_DESCRIPTORS)
    if not start:
        return None
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    request, numbers = pickle.loads(_exactly(connection, length))
    return replace(request, descriptors=dict(zip(numbers, held, strict=True)))


def answer(connection: socket.socket, request: Request, pid: int) -> None:
    """Give up the copies, and say who was started."""
    for descriptor in request.descriptors.values():
        os.close(descriptor)
    connection.sendall(_LENGTH.pack(pid))


def _exactly(connection: socket.socket, size: int) -> bytes:
    body = b""
    while len(body) < size:
        piece = connection.recv(size - len(body))
        if not piece:
            raise EOFError(_GONE)
        body += piece
    return body
