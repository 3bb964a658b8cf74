"""The zygote: a process of one thread that has everything loaded, and forks when it is asked.

A real interpreter takes two seconds of CPU to import torch and half a second to end, a fork some
hundredths. It forks twice, and who asks is for that moment the reaper of its descendants' orphans:
so the new process is a child of who asked, and its session, its end, its signals and `waitpid` are
those of a process that was started by exec.

What is not as in a real start: nothing is imported anew, numbers of threads and the hash seed are
the zygote's, and the end skips the interpreter's clearing away. Tests about these start real ones.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from pathlib import Path

import boto3

from support.storage.s3_models import share_models
from support.zygote import client, fresh, request
from support.zygote.request import Request

LOADED = (
    "batchprocess.agent.finalizer",
    "batchprocess.agent.pod.agent",
    "batchprocess.cli.commands.run",
    "batchprocess.sdk.entry",
    "batchprocess.storage.s3",
    "sklearn.datasets",
    "torch.distributed.run",
    "torch.profiler",
    "torch.utils.tensorboard",
)
_STARTERS = ("batchprocess", "batchprocess.agent", "torch.distributed.run")
"""Programs that start Python processes: they get a zygote of their own."""


def main(descriptor: int, path: list[str]) -> None:
    """Serve the socket; `path` is sys.path as a new interpreter has it."""
    # scikit-learn loads it where it is installed, and it loads pyarrow, which starts threads.
    sys.modules["pandas"] = None
    for name in LOADED:
        importlib.import_module(name)
    del sys.modules["pandas"]
    share_models()
    boto3.Session().client("s3", region_name="none")  # reads them
    gc.collect()
    gc.freeze()
    asked = serve(socket.socket(fileno=descriptor))
    while True:
        fresh.renew(asked, path)
        if Path(asked.main).name in _STARTERS:
            ours, theirs = socket.socketpair()
            # Now, while it is as new: nothing of the program may be in what it starts.
            if os.fork() == 0:
                ours.detach()
                asked = serve(_alone(theirs.detach()))
                continue
            theirs.close()
            client.use(ours)
        fresh.run(asked)


def serve(connection: socket.socket) -> Request:
    """Fork for each request until the asker has gone; returns in the new processes only."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        sys.exit(f"a process of {threads} threads cannot be a zygote")
    # Signals to the whole group are for the others: this process ends with the one who asks.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        asked = request.receive(connection)
        if asked is None:
            os._exit(0)
        (known, tell), (gate, opener) = os.pipe(), os.pipe()
        between = os.fork()
        if between == 0:
            fresh.reset_signals(asked.ignored)
            child = os.fork()
            if child == 0:
                connection.detach()
                os.close(opener)
                os.read(gate, 1)
                return asked
            os.write(tell, child.to_bytes(4, "big"))
            os._exit(0)
        # Orphaned, the new process comes to who asked; it must have before that one hears of it,
        # and it does nothing before: a process that was started is known before its program runs.
        os.waitpid(between, 0)
        request.answer(connection, asked, int.from_bytes(os.read(known, 4), "big"))
        for end in (known, tell, gate, opener):
            os.close(end)


def _alone(connection: int) -> socket.socket:
    """Give up all that is open but this socket; no object may own a number any more."""
    null = os.open(os.devnull, os.O_RDWR)
    fresh.arrange({0: null, 1: null, 2: null, 3: connection})
    return socket.socket(fileno=3)
