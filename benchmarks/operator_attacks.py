"""Requests that the operator makes in a minute while somebody attacks, in virtual time.

    PYTHONPATH=tests:operator python benchmarks/operator_attacks.py

The real controller over a fake API server; a minute takes as long as the processor needs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from batchprocess.kube import paths
from batchprocess_operator.kube.errors import Unavailable
from support.operator.fake_api import FakeApi, FakeServer, Request
from support.operator.lives import Operator
from support.operator.objects import job_object
from support.operator.virtual_time import run_virtually

_JOBS = "/apis/batch/v1/namespaces/team/jobs"
_BEFORE, _MEASURED = 120, 3_600
Attack = Callable[[FakeServer], Awaitable[None]]


class BusyApi(FakeApi):
    """Answers 429 to each write of a status, from `busy` on."""

    busy = False

    async def replace(self, path: str, body: Any) -> Any:
        if not self.busy:
            return await super().replace(path, body)
        self.server.requests.append(Request(self.who, "PUT", path))
        raise Unavailable("429: Too many requests")


async def nothing(server: FakeServer) -> None:
    """A job whose worker Job has no pod yet."""


async def suspend(server: FakeServer) -> None:
    """A webhook, or Kueue, suspends the worker Job each time."""

    def undo(kind: str, raw: Any) -> None:
        if "template" in raw.get("spec", {}) and raw["spec"].get("suspend") is False:
            server.change(f"{_JOBS}/{raw['metadata']['name']}", {"spec": {"suspend": True}})

    server.watchers.append(undo)
    server.change(f"{_JOBS}/{_child(server)}", {"spec": {"suspend": True}})


async def delete(server: FakeServer) -> None:
    """Somebody deletes the worker Job each time."""
    loop = asyncio.get_running_loop()

    def undo(kind: str, raw: Any) -> None:
        if "template" in raw.get("spec", {}) and kind == "ADDED":
            loop.call_soon(server.delete, f"{_JOBS}/{raw['metadata']['name']}")

    server.watchers.append(undo)
    server.delete(f"{_JOBS}/{_child(server)}")


async def edit(server: FakeServer) -> None:
    """Somebody changes the job's status ten times a second."""
    path = f"{paths.job_object('team', 'digits')}/status"
    for number in range(10 * (_BEFORE + _MEASURED)):
        server.change(path, {"status": {"replicas": number % 2 + 7}})
        await asyncio.sleep(0.1)


async def busy(server: FakeServer) -> None:
    """The API server answers 429 to status writes while the spec is changed each second."""
    BusyApi.busy = True
    for number in range(_BEFORE + _MEASURED):
        server.change(paths.job_object("team", "digits"), {"spec": {"parallelism": number % 2 + 1}})
        await asyncio.sleep(1)


async def measure(attack: Attack, jobs: int) -> tuple[float, float]:
    """Requests, and writes among them, in a minute of the attack."""
    BusyApi.busy = False
    server = FakeServer()
    for number in range(jobs):
        body = job_object(None, parallelism=2)
        body["metadata"]["name"] = "digits" if number == 0 else f"digits-{number}"
        server.create(paths.job_objects("team"), body)
    operator = Operator(server, "operator", api=BusyApi(server, "operator"))
    tasks = [asyncio.create_task(operator.run())]
    await asyncio.sleep(30)
    tasks.append(asyncio.ensure_future(attack(server)))
    await asyncio.sleep(_BEFORE)
    begun = len(server.requests)
    await asyncio.sleep(_MEASURED)
    made = server.requests[begun:]
    for task in (one for one in tasks if one.done()):
        task.result()
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return len(made) / _MEASURED * 60, sum(one.writes for one in made) / _MEASURED * 60


def _child(server: FakeServer) -> str:
    name: str = server.list("/apis/batch/v1/jobs")[0]["metadata"]["name"]
    return name


def main() -> None:
    """Print a row for each attack."""
    logging.disable(logging.CRITICAL)
    for attack, jobs in (
        (nothing, 1),
        (nothing, 50),
        (suspend, 1),
        (delete, 1),
        (edit, 1),
        (busy, 1),
    ):
        made, writes = run_virtually(measure(attack, jobs))
        said = (attack.__doc__ or "").rstrip(".")
        print(f"| {said} ({jobs} jobs) | {made:.1f} | {writes:.1f} |")


if __name__ == "__main__":
    main()
