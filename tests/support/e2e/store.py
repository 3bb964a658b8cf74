"""An S3 server beside a test cluster, which can be away for a while."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from support.storage.s3_server import Server, versitygw
from testcluster.machine.ports import free_port


@dataclass
class Store:
    """One address and one folder over all restarts."""

    folder: Path
    address: str
    port: int
    server: Server = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack)

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path, address: str) -> Iterator["Store"]:
        """A server that runs; its credentials are also this process's own."""
        store = cls(folder, address, free_port(address))
        store.start()
        before = dict(os.environ)
        os.environ.update(store.server.env())
        try:
            yield store
        finally:
            os.environ.clear()
            os.environ.update(before)
            store.stop()

    def start(self) -> None:
        """Serve what is in the folder."""
        gateway = versitygw(self.folder, port=self.port, address=self.address)
        self.server = self._stack.enter_context(gateway)

    def stop(self) -> None:
        """End the server; the folder stays."""
        self._stack.close()
