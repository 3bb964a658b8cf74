"""All listeners of the operator in a process and a loop of their own, to be attacked.

`python -m support.operator.listeners` prints one line of JSON and serves until stdin ends.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.endpoint.certificate_secret import own
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.keys import Keyring
from batchprocess_operator.endpoint.listener import serve
from batchprocess_operator.endpoint.report_store import ReportStore
from batchprocess_operator.endpoint.tls import LiveCertificate
from batchprocess_operator.endpoint.tokens import Verifier
from batchprocess_operator.health import serve_health
from batchprocess_operator.listen.pages import serve_pages
from batchprocess_operator.watch.cache import JobCache
from support.operator.fake_issuer import FakeIssuer, utc_now
from support.operator.fake_pods import POD, FakePods, FakeSecret

BAD_POD = replace(POD, uid="bad", name="bad-0", namespace="bad")
HONEST_PODS = [replace(POD, uid=f"honest-{n}", name=f"digits-{n}") for n in range(20)]
TESTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Listeners:
    """Their ports, what workers are given, and the token of a pod that means no good."""

    pid: int
    progress: int
    health: int
    metrics: int
    ca: str
    tokens: list[str]
    bad_token: str

    def forget_most_memory(self) -> None:
        """Begin anew with what is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def most_memory(self) -> float:
        """The most that was resident so far, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1_024


@contextlib.contextmanager
def listeners() -> Iterator[Listeners]:
    """Start them; they are stopped afterwards."""
    command = [sys.executable, "-m", "support.operator.listeners"]
    path = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Listeners(pid=process.pid, **json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(30)


async def main() -> None:
    issuer, pods = FakeIssuer(), FakePods({one.uid: one for one in [BAD_POD, *HONEST_PODS]})
    verifier = Verifier(Keyring(issuer.fetch, time.monotonic), pods, utc_now)
    handler = ReportHandler(verifier, ReportStore(), time.monotonic)
    certificate = LiveCertificate(own(FakeSecret(), ["127.0.0.1"], lambda: datetime.now(UTC)))
    await certificate.refresh()
    host, page = "127.0.0.1", Metrics(JobCache()).page()
    async with (
        serve(handler, host, 0, certificate.context) as progress,
        serve_health(host, 0, dict, lambda: True) as health,
        serve_pages((page,), host, 0) as metrics,
    ):
        tokens = {
            "tokens": [issuer.token(one) for one in HONEST_PODS],
            "bad_token": issuer.token(BAD_POD),
        }
        ports = {"progress": progress, "health": health, "metrics": metrics}
        print(json.dumps({**ports, **tokens, "ca": certificate.ca}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
