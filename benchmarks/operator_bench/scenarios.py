"""What is measured. Each starts a control plane of its own and returns figures with their units."""

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchprocess.kube.names import LABEL_JOB, LABEL_ROLE
from benchmarks.operator_bench import objects
from benchmarks.operator_bench.api import JOBS, OBJECTS, Requests, requests, until, watching
from benchmarks.operator_bench.audit import Write, by_kind, writes_of
from benchmarks.operator_bench.stages import Play
from benchmarks.operator_bench.world import Operator, world
from testcluster import ClusterError

Figures = dict[str, Any]
_CREATE_JOB, _STATUS = "create jobs", "update batchprocessjobs/status"
_SENDERS = 32
_LONG_SECONDS = 3_600


async def created_at_once(jobs: int, shards: int) -> Figures:
    """All objects at once, suspended: what the operator does is one Job and one status for each."""
    with world(Play(shards)) as here:
        operator = here.operator()
        states: dict[str, str] = {}
        made: set[str] = set()

        def object_seen(raw: dict[str, Any], _: int, __: float) -> None:
            states[raw["metadata"]["name"]] = (raw.get("status") or {}).get("state", "")

        def job_seen(raw: dict[str, Any], _: int, __: float) -> None:
            made.add(raw["metadata"]["name"])

        async with requests(here.plane) as api:
            watches = (
                (OBJECTS, object_seen),
                (JOBS, job_seen),
            )
            async with watching(api, *watches):
                began, cpu = time.time(), operator.cpu()
                bodies = [
                    objects.job(f"job-{n}", shards, shards, suspend=True) for n in range(jobs)
                ]
                await _create_all(api, bodies)
                applied = time.time() - began
                await until(f"{jobs} Jobs", lambda: len(made) >= jobs, _LONG_SECONDS)
                told = "all are Suspended"
                await until(told, lambda: list(states.values()).count("Suspended") == jobs, 600)
                settled = time.time() - began
                await asyncio.sleep(10)  # what comes late counts too
        writes = writes_of(here.audit_log)
        times = sorted(one.at for one in writes if one.kind == _CREATE_JOB)
        return {
            "jobs": jobs,
            "shards": shards,
            "objects applied in (s)": round(applied, 1),
            "Jobs created in (s)": round(times[-1] - times[0], 1),
            "Jobs a second": round((len(times) - 1) / (times[-1] - times[0]), 1),
            "all told in (s)": round(settled, 1),
            **_cost(writes, operator, jobs, cpu),
        }


@dataclass
class _Lives:
    """When what happened to each job, by its name, in seconds of the epoch."""

    sent: dict[str, float] = field(default_factory=dict)
    exists: dict[str, float] = field(default_factory=dict)
    sealed: dict[str, float] = field(default_factory=dict)
    finalizer_ended: dict[str, float] = field(default_factory=dict)
    complete: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    largest: int = 0

    def child_seen(self, raw: dict[str, Any], _: int, at: float) -> None:
        """A worker or finalizer Job."""
        labels, status = raw["metadata"].get("labels") or {}, raw.get("status") or {}
        name, role = labels.get(LABEL_JOB, raw["metadata"]["name"]), labels.get(LABEL_ROLE)
        ended = status.get("succeeded", 0) >= raw["spec"].get("completions", 1)
        if role == "finalizer":
            if ended:
                self.finalizer_ended.setdefault(name, at)
            return
        self.exists.setdefault(name, at)
        if ended:
            self.sealed.setdefault(name, at)

    def object_seen(self, raw: dict[str, Any], size: int, at: float) -> None:
        """A BatchProcessJob."""
        name, status = raw["metadata"]["name"], raw.get("status") or {}
        self.largest = max(self.largest, size)
        if status.get("state") == "Complete":
            self.complete.setdefault(name, at)
        if status.get("state") == "Failed":
            self.failed[name] = str(status["conditions"])

    def between(self, first: Mapping[str, float], second: Mapping[str, float]) -> list[float]:
        """Seconds."""
        return [max(second[name] - first[name], 0.0) for name in second]


async def one_by_one(jobs: int, shards: int, rate: float) -> Figures:
    """Jobs that run to completion, `rate` of them begun a second."""
    with world(Play(shards)) as here:
        operator = here.operator()
        lives, cpu = _Lives(), operator.cpu()
        async with requests(here.plane) as api:
            watches = ((JOBS, lives.child_seen), (OBJECTS, lives.object_seen))
            async with watching(api, *watches), asyncio.TaskGroup() as group:
                for number in range(jobs):
                    body = objects.job(f"job-{number}", shards, shards)
                    group.create_task(_create(api, body, lives.sent))
                    await asyncio.sleep(1 / rate)
                await until(
                    f"{jobs} jobs are Complete",
                    lambda: len(lives.complete) + len(lives.failed) >= jobs,
                    300,
                )
        _demand_none_failed(lives)
        writes = writes_of(here.audit_log)
        return {
            "jobs": jobs,
            "shards": shards,
            "begun a second": rate,
            "applied to Job exists (ms)": _spread(lives.between(lives.sent, lives.exists)),
            "last seal to Complete (ms)": _spread(lives.between(lives.sealed, lives.complete)),
            "finalizer ended to Complete (ms)": _spread(
                lives.between(lives.finalizer_ended, lives.complete)
            ),
            **_cost(writes, operator, jobs, cpu),
        }


async def one_large(shards: int, parallelism: int, seconds: float) -> Figures:
    """One job against a bare Indexed Job, and against our own Job without an operator.

    Each on a control plane of its own. A pod takes `seconds`.
    """
    play = Play(shards, seconds)
    bare = await _alone(objects.bare("bare", shards, parallelism), play)
    by_hand = await _alone(objects.by_hand("by-hand", shards, parallelism), play)
    with world(play) as here:
        operator, lives = here.operator(), _Lives()
        cpu = operator.cpu()
        async with requests(here.plane) as api:
            watches = ((JOBS, lives.child_seen), (OBJECTS, lives.object_seen))
            async with watching(api, *watches):
                await _create(api, objects.job("large", shards, parallelism), lives.sent)
                ended = lambda: bool(lives.complete or lives.failed)  # noqa: E731
                await until("it is Complete", ended, _LONG_SECONDS)
            final = await api.get(f"{OBJECTS}/large")
        _demand_none_failed(lives)
        writes = writes_of(here.audit_log)
        took = lives.complete["large"] - lives.sent["large"]
        told = final["status"]
        assert told["shards"]["succeeded"] == shards, told["shards"]
        statuses = [one.at for one in writes if one.kind == _STATUS]
        gaps = [later - earlier for earlier, later in itertools.pairwise(statuses)]
        return {
            "shards": shards,
            "parallelism": parallelism,
            "a shard takes (s)": seconds,
            "bare Indexed Job (s)": round(bare, 1),
            "the operator's Job, without it (s)": round(by_hand, 1),
            "all sealed (s)": round(lives.sealed["large"] - lives.sent["large"], 1),
            "Complete (s)": round(took, 1),
            "times the bare Job": round(took / bare, 2),
            "times the operator's Job without it": round(took / by_hand, 2),
            "largest object (KiB)": round(lives.largest / 1_024, 1),
            "status writes": len(statuses),
            "status writes in 5 s, on average": round(5 * len(statuses) / took, 2),
            "status writes less than 4.9 s after another": sum(gap < 4.9 for gap in gaps),
            **_cost(writes, operator, 1, cpu),
        }


async def _alone(body: dict[str, Any], play: Play) -> float:
    """Seconds from a Job's creation until every index has succeeded; no operator runs."""
    with world(play) as here:
        lives = _Lives()
        async with requests(here.plane) as api, watching(api, (JOBS, lives.child_seen)):
            began = time.time()
            await api.create(JOBS, body)
            await until("every index has succeeded", lambda: bool(lives.sealed), _LONG_SECONDS)
            return next(iter(lives.sealed.values())) - began


def _demand_none_failed(lives: _Lives) -> None:
    for name, conditions in lives.failed.items():
        raise ClusterError(f"{name} has failed: {conditions}")


async def _create(api: Requests, body: dict[str, Any], sent: dict[str, float]) -> None:
    sent[body["metadata"]["name"]] = time.time()
    await api.create(OBJECTS, body)


async def _create_all(api: Requests, bodies: Sequence[dict[str, Any]]) -> None:
    left = iter(bodies)

    async def send() -> None:
        for body in left:
            await api.create(OBJECTS, body)

    async with asyncio.TaskGroup() as group:
        for _ in range(_SENDERS):
            group.create_task(send())


def _cost(writes: list[Write], operator: Operator, jobs: int, cpu: float) -> Figures:
    """What it took; ends the operator."""
    cost = {
        "writes": by_kind(writes),
        "writes a job": round(len(writes) / jobs, 2),
        "writes refused": sum(one.failed for one in writes),
        "complaints": len(operator.complaints()),
        "operator memory (MiB)": round(operator.memory()),
        "operator CPU (s)": round(operator.cpu() - cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    operator.stop()
    return cost


def _spread(seconds: Sequence[float]) -> str:
    cuts = [1e3 * cut for cut in statistics.quantiles(seconds, n=100, method="inclusive")]
    return f"p50 {cuts[49]:.0f}, p99 {cuts[98]:.0f}, most {1e3 * max(seconds):.0f}"
