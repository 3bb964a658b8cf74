"""A repository of Git that is read over HTTP, served by Git itself."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_AUTHOR = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")


@dataclass(frozen=True)
class Repository:
    """Its files are in `folder`; whoever reads `url` sees what was committed."""

    folder: Path
    url: str

    def commit(self, why: str) -> str:
        """Commit all that is there; the commit's name."""
        self._git("add", "--all")
        self._git("commit", "--quiet", f"--message={why}")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        return git("-C", str(self.folder), *_AUTHOR, *words)


def git(*words: str) -> str:
    """Standard output; CalledProcessError if it fails. Without what this machine sets for Git."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/", "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(("git", *words), env=environ, capture_output=True, text=True, check=True)
    return ran.stdout


@contextlib.contextmanager
def repository(parent: Path) -> Iterator[Repository]:
    """An empty one, `parent`/jobs, with a branch main."""
    folder = parent / "jobs"
    git("init", "--quiet", "--initial-branch=main", str(folder))

    class Handler(_Handler):
        root = parent

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Repository(folder, f"http://127.0.0.1:{server.server_port}/jobs")
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """What a web server does for the CGI program `git http-backend`."""

    root: Path

    def do_GET(self) -> None:
        """Which branches there are."""
        self._answer()

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        command = ("git", "http-backend")
        ran = subprocess.run(command, input=body, env=environ, capture_output=True, check=True)
        head, _, content = ran.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
