"""The termination message, kept up to date: a killed PID 1 cannot write it any more."""

import sys
from pathlib import Path

from batchprocess.agent.pod.pod_children import PodChildren
from batchprocess.agent.termination_file import replace_in_place
from batchprocess.protocol.termination import Termination


class TerminationLog:
    """Rewrites the message in place, at every commit and at the end."""

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._last = b""
        self._failed = False

    def write(self, children: PodChildren, *, code: int | None = None, message: str = "") -> None:
        """Say how far every shard is. In place, because the kubelet mounts this very file."""
        shards = tuple(watch.as_end() for watch in children.watches)
        said = Termination(
            code=code, message=message, shards=shards, run=children.run, source=children.source
        )
        body = said.encode()
        if self._path is None or body == self._last:
            return
        try:
            replace_in_place(self._path, body)
        except OSError as error:
            # Shards are done without it; a full disk of the node must not end them.
            if not self._failed:
                print(f"agent: no termination message was written: {error}", file=sys.stderr)
            self._failed = True
            return
        self._last, self._failed = body, False
