"""Memory of the operator among the largest jobs that an API server takes, at its start and after.

    python benchmarks/operator_memory.py [--large 500] [--ordinary 2000]

A fake API server in this process, the operator in one of its own. The large jobs are those that
take most memory as Python values: hparams of 400,000 empty lists.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import web

ROOT = Path(__file__).parents[1]
API = "batchprocess.dev/v1alpha1"
LIMIT_MIB = 512
"""`resources.limits.memory` of the chart."""


class FakeApiServer:
    """Jobs by name, as their text; what is written of them is answered and only counted."""

    def __init__(self, large: int, ordinary: int) -> None:
        dense = b"[" + b",".join([b"[]"] * 400_000) + b"]"
        self.jobs = {f"large-{n}": dense for n in range(large)}
        self.jobs |= {f"ordinary-{n}": b"0" for n in range(ordinary)}
        self.names = list(self.jobs)
        self.told, self.versions = set[str](), dict.fromkeys(self.names, 1)
        self.statuses = dict.fromkeys(self.names, b"{}")

    def text(self, name: str) -> bytes:
        meta = {"name": name, "namespace": "team", "uid": f"uid-{name}", "generation": 1}
        meta |= {"creationTimestamp": "2030-01-01T00:00:00Z"}
        meta |= {"resourceVersion": str(self.versions[name])}
        spec = {"image": "a:1", "command": ["x"], "shards": 64, "parallelism": 8}
        spec |= {"output": {"uri": "s3://bucket/out"}, "hparams": {"a": "HERE"}}
        body = {"apiVersion": API, "kind": "BatchProcessJob", "metadata": meta, "spec": spec}
        made = json.dumps(body | {"status": "STATUS"}).encode()
        return made.replace(b'"HERE"', self.jobs[name]).replace(b'"STATUS"', self.statuses[name])

    async def list(self, request: web.Request) -> web.StreamResponse:
        if request.path in ("/api", "/apis"):
            return web.json_response({"versions": [], "groups": []})  # kopf asks what there is
        if "watch" in request.query:
            return await self._stream(request)
        names = self.names if request.path.endswith("batchprocessjobs") else []
        first, size = int(request.query.get("continue", "0")), int(request.query["limit"])
        token = str(first + size) if first + size < len(names) else ""
        items = b",".join(map(self.text, names[first : first + size]))
        meta = json.dumps({"continue": token, "resourceVersion": "10"}).encode()
        return web.Response(body=b'{"items":[' + items + b'],"metadata":' + meta + b"}")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        for name in self.names if request.path.endswith("batchprocessjobs") else ():
            await stream.write(b'{"type":"MODIFIED","object":' + self.text(name) + b"}\n")
        await asyncio.sleep(3_600)
        return stream

    async def status(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.told.add(name)
        self.versions[name] += 1
        self.statuses[name] = json.dumps((await request.json())["status"]).encode()
        return web.Response(body=self.text(name))

    async def create(self, request: web.Request) -> web.Response:
        made = await request.json()
        made["metadata"] |= {"resourceVersion": "11", "uid": f"uid-{made['metadata']['name']}"}
        made["metadata"] |= {"creationTimestamp": "2030-01-01T00:00:00Z"}
        return web.json_response(made, status=201)


def peak(pid: int) -> float:
    """MiB that were resident at most so far."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) / 1_024


async def serve(server: FakeApiServer) -> tuple[web.AppRunner, int]:
    app = web.Application(client_max_size=16 << 20)
    app.router.add_get("/{tail:.*}", server.list)
    app.router.add_put("/{tail:.*}/batchprocessjobs/{name}/status", server.status)
    app.router.add_post("/{tail:.*}", server.create)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, int(runner.addresses[0][1])


def kubeconfig(folder: str, port: int) -> Path:
    """One for that server."""
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    users = [{"name": "u", "user": {}}]
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "current-context": "c"}
    body |= {"clusters": [cluster], "contexts": [context], "users": users}
    path = Path(folder) / "kubeconfig"
    path.write_text(json.dumps(body))
    return path


async def measure(large: int, ordinary: int) -> None:
    server = FakeApiServer(large, ordinary)
    runner, port = await serve(server)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "KUBECONFIG": str(kubeconfig(folder, port)),
            "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'worker'}",
            "BATCHPROCESS_OPERATOR_HEALTH_ADDRESS": "",
            "BATCHPROCESS_OPERATOR_LOG_LEVEL": "ERROR",
        }
        command = (sys.executable, "-m", "batchprocess_operator")
        began = time.monotonic()
        operator = await asyncio.create_subprocess_exec(*command, env=environment)
        while len(server.told) < len(server.names) and operator.returncode is None:
            await asyncio.sleep(1)
        if operator.returncode is not None:
            raise SystemExit(f"the operator ended with {operator.returncode}")
        seconds, most = time.monotonic() - began, peak(operator.pid)
        operator.terminate()
        await operator.wait()
    await runner.cleanup()
    jobs = f"{large} large and {ordinary} ordinary jobs"
    print(f"{jobs} told after {seconds:.0f} s; peak {most:.0f} MiB, limit {LIMIT_MIB} MiB")


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--large", type=int, default=500, help="jobs of 1.2 MB (default: 500)")
    parser.add_argument("--ordinary", type=int, default=2_000, help="usual jobs (default: 2000)")
    given = parser.parse_args()
    asyncio.run(measure(given.large, given.ordinary))


if __name__ == "__main__":
    main()
