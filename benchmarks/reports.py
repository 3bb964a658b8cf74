"""The progress endpoint under load: 500 reports a second for a minute, over TLS on loopback.

`python benchmarks/reports.py` starts the endpoint and the load in processes of their own. 2,500
pods of 20 jobs report every 5 s, each at its own moment whether or not the last one was answered
(open loop), so latency counts from the moment it was due. `--fresh` opens a connection for each
report. Prints latency, CPU, memory. Target: p99 below 200 ms, memory flat.
"""

import argparse
import asyncio
import json
import os
import platform
import ssl
import statistics
import subprocess
import sys
import time
from asyncio.sslproto import SSLProtocol
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from batchprocess.protocol.job_object import token_audience
from batchprocess.protocol.progress import REPORTS_PATH, ProgressReport, ShardProgress
from batchprocess.protocol.run import RunShape
from batchprocess_operator.endpoint.certificate_secret import own
from batchprocess_operator.endpoint.handler import ReportHandler
from batchprocess_operator.endpoint.keys import Keyring, Trust
from batchprocess_operator.endpoint.listener import serve
from batchprocess_operator.endpoint.report_store import PodFacts, ReportStore
from batchprocess_operator.endpoint.tls import LiveCertificate
from batchprocess_operator.endpoint.tokens import Verifier

JOBS, PERIOD, CONNECTING = 20, 5.0, 10.0
ISSUER = "https://kubernetes.default.svc"
NAMESPACE = "bench"


def facts(number: int) -> PodFacts:
    """Pod `number`, which works on the shard of the same number."""
    return PodFacts(
        NAMESPACE, f"pod-{number}", f"uid-{number}", f"job-{number % JOBS}",
        frozenset({number}), alive=True,
    )  # fmt: skip


class Pods:
    """Every pod there is."""

    def find(self, uid: str) -> PodFacts | None:
        """As the endpoint asks."""
        return facts(int(uid.rpartition("-")[2]))


class MemorySecret:
    """A Secret in memory."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    async def read(self) -> tuple[dict[str, bytes], None]:
        """As `certificate_secret.SecretStore`."""
        return self.data, None

    async def write(self, data: Any, found: None) -> None:
        """As `certificate_secret.SecretStore`."""
        self.data = dict(data)


async def run_server() -> None:
    """The endpoint, until stdin closes. First line out: port and CA; last: how many shards."""
    key_set = sys.stdin.readline().encode()
    trust = Trust.read(json.dumps({"issuer": ISSUER}).encode(), key_set)

    async def fetch() -> Trust:
        return trust

    store = ReportStore()
    verifier = Verifier(Keyring(fetch, time.monotonic), Pods(), lambda: datetime.now(UTC))
    handler = ReportHandler(verifier, store, time.monotonic)
    certificate = LiveCertificate(own(MemorySecret(), ["127.0.0.1"], lambda: datetime.now(UTC)))
    await certificate.refresh()
    async with serve(handler, "127.0.0.1", 0, certificate.context) as port:
        print(json.dumps({"port": port, "ca": certificate.ca}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    print(sum(len(store.newest(f"job-{job}")) for job in range(JOBS)), flush=True)


class Pod:
    """One sender. Keeps its connection, unless told to open one for each report."""

    def __init__(self, number: int, token: str, target: dict[str, Any], *, fresh: bool) -> None:
        self._number, self._port, self._fresh = number, target["port"], fresh
        self._context: ssl.SSLContext = target["context"]
        self._head = (
            f"POST {REPORTS_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: "
        )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._done = 0

    async def report(self) -> int:
        """Send one; the status. A connection that fails is given up."""
        try:
            return await self._report()
        except (OSError, EOFError):
            self._streams = None
            raise

    async def _report(self) -> int:
        self._done += 10
        done = self._done
        shard = ShardProgress(
            shard=self._number, seq=1, cursor=done, total=10_000, processed=done + 3,
            rows=64 * done, phase="running",
        )  # fmt: skip
        shape = RunShape(rows=640_000, batch_size=64, batches=10_000)
        body = ProgressReport(shards=(shard,), run=shape).model_dump_json()
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._context
            )
        reader, writer = self._streams
        writer.write(f"{self._head}{len(body)}\r\n\r\n{body}".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        _, _, length = head.lower().partition(b"content-length: ")
        if length:
            await reader.readexactly(int(length.split(b"\r", 1)[0]))
        if self._fresh:
            writer.transport.abort()
            self._streams = None
        return status


class Load:
    """All pods, each at its own moment of every period (seconds)."""

    def __init__(self, pods: list[Pod]) -> None:
        self._pods = pods
        self.statuses: dict[str, int] = {}

    async def report(self, period: float, *, times: int) -> list[float]:
        """So many reports of each pod; for all of them the seconds since they were due."""
        begin, apart = time.perf_counter() + 1.0, period / len(self._pods)

        async def live(number: int, pod: Pod) -> list[float]:
            due = begin + apart * number
            return [await self._report(pod, due + period * turn) for turn in range(times)]

        lives = (live(number, pod) for number, pod in enumerate(self._pods))
        return [one for took in await asyncio.gather(*lives) for one in took]

    async def _report(self, pod: Pod, due: float) -> float:
        await asyncio.sleep(due - time.perf_counter())
        try:
            status = str(await pod.report())
        except (OSError, EOFError) as error:
            status = type(error).__name__
        self.statuses[status] = self.statuses.get(status, 0) + 1
        return time.perf_counter() - due


async def run_load(settings: dict[str, Any]) -> None:
    """A first report of each pod, then `seconds` of them; prints what came of it."""
    SSLProtocol.max_size = 16 * 1024
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=settings["ca"])
    target = {"port": settings["port"], "context": context}
    fresh, seconds = settings["fresh"], settings["seconds"]
    load = Load([Pod(n, token, target, fresh=fresh) for n, token in enumerate(settings["tokens"])])
    connecting = await load.report(CONNECTING, times=1)
    latencies = await load.report(PERIOD, times=int(seconds / PERIOD))
    print(f"first reports  {len(connecting)} with their connections, {in_ms(connecting)}")
    print(f"reports        {len(latencies)} in {seconds} s")
    print(f"latency        {in_ms(latencies)}")
    print(f"answers        {load.statuses}")


def process(*arguments: str) -> "subprocess.Popen[str]":
    """This very file in another role."""
    return subprocess.Popen(
        [sys.executable, __file__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def usage_of(pid: int) -> tuple[float, float]:
    """CPU seconds used so far, and resident MiB."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0]) / 1_024
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), resident


def keys_and_tokens(count: int) -> tuple[str, list[str]]:
    """A cluster's key set as one line, and a token for each pod."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    public = {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": "k", "alg": "RS256"}
    now = int(time.time())
    tokens = []
    for pod in map(facts, range(count)):
        bound = {
            "namespace": NAMESPACE,
            "node": {"name": "node-1", "uid": "8f1e2d3c-0000-4000-8000-000000000000"},
            "pod": {"name": pod.name, "uid": pod.uid},
            "serviceaccount": {"name": "default", "uid": "8f1e2d3c-0000-4000-8000-000000000001"},
        }
        claims = {
            "aud": [token_audience(NAMESPACE, pod.job_uid)], "iss": ISSUER, "exp": now + 3_600,
            "iat": now, "nbf": now, "kubernetes.io": bound,
            "sub": f"system:serviceaccount:{NAMESPACE}:default",
        }  # fmt: skip
        tokens.append(jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k"}))
    return json.dumps({"keys": [public]}), tokens


def measure(rate: int, seconds: int, *, fresh: bool) -> None:
    """One run, printed."""
    key_set, tokens = keys_and_tokens(int(rate * PERIOD))
    server = process("--role", "server")
    assert server.stdin is not None
    assert server.stdout is not None
    print(key_set, file=server.stdin, flush=True)
    settings = {
        **json.loads(server.stdout.readline()), "tokens": tokens, "seconds": seconds, "fresh": fresh
    }  # fmt: skip
    load = process("--role", "load")
    assert load.stdin is not None
    cpu_before, idle = usage_of(server.pid)
    print(json.dumps(settings), file=load.stdin, flush=True)
    memory: list[float] = []
    while load.poll() is None:
        memory.append(usage_of(server.pid)[1])
        time.sleep(5)
    cpu = usage_of(server.pid)[0] - cpu_before
    heard, _ = server.communicate("\n")
    said, _ = load.communicate()
    busy = os.getloadavg()[0]
    print(f"machine        {os.cpu_count()} cores, load {busy:.1f}, {platform.python_version()}")
    print(said, end="")
    print(f"heard of       {heard.strip()} shards")
    print(f"server CPU     {cpu / (seconds + CONNECTING):.2f} cores")
    print(f"server memory  {idle:.0f} MiB idle, then every 5 s:", *(f"{one:.0f}" for one in memory))


def in_ms(latencies: list[float]) -> str:
    """How they are distributed."""
    cuts = [1e3 * cut for cut in statistics.quantiles(latencies, n=1_000)]
    return f"p50 {cuts[499]:.1f} ms, p99 {cuts[989]:.1f} ms, most {1e3 * max(latencies):.0f} ms"


def main() -> None:
    """Measure, or play a role in a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="reports a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--fresh", action="store_true", help="a connection for each report")
    parser.add_argument("--role", choices=["server", "load"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role == "server":
        asyncio.run(run_server())
    elif options.role == "load":
        asyncio.run(run_load(json.loads(sys.stdin.readline())))
    else:
        measure(options.rate, options.seconds, fresh=options.fresh)


if __name__ == "__main__":
    main()
