"""The whole operator under attack on all its ports: jobs go on."""

import asyncio
import base64
import json
import urllib.request
from pathlib import Path

import pytest

import testcluster
from support.job_cases import job, spec
from support.operator.attacks import Attacker, endless_headers, flood, silence, under
from support.operator.process import operator_process
from support.operator.report_client import trusting
from testcluster.machine.ports import free_port
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.hostile, pytest.mark.slow]
SECRET = "attacked-progress"
MAX_GROWTH = 100
"""MiB."""


def read(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def ca(kubectl: testcluster.Kubectl) -> str:
    found = kubectl.get("secret", SECRET, "default").get("data") or {}
    return base64.b64decode(found.get("ca.crt", "")).decode()


def test_a_job_is_run_and_health_and_metrics_answer_while_all_ports_are_attacked(
    kubectl: testcluster.Kubectl, control_plane: testcluster.ControlPlane
) -> None:
    progress, metrics = free_port(), free_port()
    kubectl("create", "secret", "generic", SECRET)
    settings = {
        "METRICS_PORT": str(metrics),
        "PROGRESS_PORT": str(progress),
        "PROGRESS_ADDRESS": f"https://127.0.0.1:{progress}",
        "PROGRESS_SECRET": SECRET,
        "POD_NAMESPACE": "default",
    }
    with operator_process(control_plane, "attacked-operator", **settings) as one:
        health = int(one.health.rpartition(":")[2])
        until("there is a certificate", lambda: ca(kubectl))
        limits = Path(f"/proc/{one.pid}/limits").read_text()
        (files,) = [line.split() for line in limits.splitlines() if line.startswith("Max open")]
        assert files[3] == files[4], "soft and hard limit"
        before = one.memory()

        def honest() -> None:
            kubectl("create", "--filename=-", stdin=json.dumps(job(spec(), "under-attack")))
            selector = "--selector=batchprocess.dev/job=under-attack"
            until("the job has its Job", lambda: "under-attack" in kubectl("get", "jobs", selector))
            assert "overdueSeconds" in read(health, "/healthz")
            assert 'job_name="under-attack"' in read(metrics, "/metrics")

        async def go() -> None:
            tls = trusting(ca(kubectl))
            attackers = [Attacker(progress, "127.0.2.1", tls), Attacker(progress, "127.0.2.2", tls)]
            pages = [Attacker(port, "127.0.2.3") for port in (health, metrics)]
            async with (
                under(endless_headers, attackers[0], 100),
                under(flood, attackers[1], 100),
                under(silence, pages[0], 100),
                under(endless_headers, pages[1], 100),
            ):
                await asyncio.sleep(3)
                await asyncio.to_thread(honest)

        asyncio.run(go())
        assert one.running
        assert one.memory() - before < MAX_GROWTH
