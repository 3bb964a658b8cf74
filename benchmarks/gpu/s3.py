"""A versitygw server on this machine for one run, with a bucket."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def server(program: str) -> Iterator[tuple[str | None, dict[str, str]]]:
    """The output address and the environment to reach it; None without the program."""
    found = shutil.which(program)
    if found is None:
        yield None, {}
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bucket").mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {"ROOT_ACCESS_KEY": "benchmark", "ROOT_SECRET_KEY": "benchmark-secret"}
        process = subprocess.Popen(
            [found, "--port", f"127.0.0.1:{port}", "posix", folder],
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port)
            yield (
                "s3://bucket/run",
                {
                    "AWS_ACCESS_KEY_ID": env["ROOT_ACCESS_KEY"],
                    "AWS_SECRET_ACCESS_KEY": env["ROOT_SECRET_KEY"],
                    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                    "AWS_DEFAULT_REGION": "us-east-1",
                },
            )
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError("versitygw did not come up")
