"""Programs on a terminal of their own, which can be closed under them."""

import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_TAKES_IT = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A program that leads the session of a terminal, as a login shell does."""

    def __init__(self, command: Sequence[str], folder: Path, environ: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        streams: dict[str, Any] = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKES_IT, *command],
            cwd=folder,
            env={**os.environ, **environ},
            start_new_session=True,
            **streams,
        )
        os.close(slave)
        self._open = True
        self._screen = threading.Thread(target=self._show)
        self._screen.start()

    def _show(self) -> None:
        """Read what is written, as a window does; nobody may be reading when it is closed."""
        while self._open:
            if select.select([self._master], [], [], 0.05)[0]:
                with suppress(OSError):  # nobody has it open any more
                    os.read(self._master, 65_536)

    def close(self) -> int:
        """Close the window, as a person does; how the program ended."""
        self.hang_up()
        return self.process.wait(60)

    def hang_up(self) -> None:
        """Close it, if it is open."""
        if self._open:
            self._open = False
            self._screen.join()
            os.close(self._master)


@contextmanager
def terminal(command: Sequence[str], folder: Path, **environ: str) -> Iterator[Terminal]:
    """It is to be closed in the block; what still runs after it is killed."""
    made = Terminal(command, folder, environ)
    try:
        yield made
    finally:
        made.hang_up()
        if made.process.poll() is None:
            made.process.kill()
            made.process.wait()
