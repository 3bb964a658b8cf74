"""Jobs for the page: one amid its work, one of ten thousand shards, and a list of others."""

from datetime import timedelta
from random import Random
from typing import Any

from batchprocess.kube.index_ranges import format_ranges
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.termination import Termination
from batchprocess_operator.model.observed import ChildJob, ChildPod, Reason
from support.operator.page_world import PageWorld

BATCHES = 120
"""Of each shard."""


def stamp(world: PageWorld, seconds: float) -> str:
    return f"{world.now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def condition(world: PageWorld, kind: str, reason: str, message: str = "", **more: Any) -> Any:
    found = {"type": kind, "status": "True", "reason": reason, "message": message}
    return found | {"lastTransitionTime": stamp(world, -more.pop("ago", 900))} | more


def status_of(
    world: PageWorld, cursors: list[int], failed: set[int], **more: Any
) -> dict[str, Any]:
    done = {k for k, cursor in enumerate(cursors) if cursor == BATCHES}
    batches = {"done": sum(cursors), "total": BATCHES * len(cursors)}
    return {
        "state": "Running",
        "observedGeneration": 1,
        "startTime": stamp(world, -3_600),
        "shards": {"total": len(cursors), "succeeded": len(done), "failed": len(failed)},
        "batches": batches,
        "rows": 256 * batches["done"],
        "dataset": {"rows": 256 * batches["total"], "batches": batches["total"], "batchSize": 256},
        "rate": 18_400.0,
        "eta": stamp(world, 1_560),
        "sealedShards": format_ranges(done),
        "sealedBy": "exitCode",
        "failedShards": format_ranges(failed),
        "cursors": ",".join(map(str, cursors)),
        "outputURI": "s3://results/captions/2026-11",
        **more,
    }


def add_busy(world: PageWorld, name: str, shards: int, *, seed: int = 7, **more: Any) -> str:
    """A job amid its work: two thirds are done, one in thirty has failed, some have begun again."""
    random = Random(seed)
    running = {k for k in range(shards) if 0.6 < k / shards < 0.85}
    failed = {k for k in range(shards * 6 // 10) if random.random() < 0.04}
    cursors = [
        0 if k / shards >= 0.85 else random.randrange(BATCHES) if k in running | failed else BATCHES
        for k in range(shards)
    ]
    status = status_of(world, cursors, failed, **more)
    uid = world.add(
        name,
        status=status,
        age=3_700,
        shards=shards,
        parallelism=len(running),
        image="registry.example/captions:2026-11",
        output={"uri": "s3://results/captions/2026-11"},
    )
    _add_pods(world, uid, running, failed, random)
    for shard in sorted(running):
        world.report(
            uid,
            [_progress(shard, cursors[shard], random)],
            run={"rows": 256 * BATCHES * shards, "batch_size": 256, "batches": BATCHES * shards},
        )
    return uid


def _progress(shard: int, cursor: int, random: Random) -> dict[str, Any]:
    busy = random.uniform(300, 900)
    spent = {
        "device": 0.71 * busy,
        "user": 0.12 * busy,
        "data": 0.11 * busy,
        "storage": 0.06 * busy,
    }
    phase = random.choice(["running"] * 12 + ["storage", "hook"])
    said = {"shard": shard, "seq": 2, "cursor": cursor, "total": BATCHES, "processed": cursor + 2}
    return said | {"phase": phase, "spent": spent}


def _add_pods(
    world: PageWorld, uid: str, running: set[int], failed: set[int], random: Random
) -> None:
    entry = world.cache.entries[uid]
    assert entry.job is not None
    name, shards = entry.job.name, entry.job.shards
    child = ChildJob(
        name=name,
        uid=f"child-{uid}",
        role="worker",
        retry=0,
        shards=None,
        created=world.now - timedelta(hours=1),
        started=world.now - timedelta(hours=1),
        completions=shards,
        parallelism=len(running),
        suspend=False,
        deadline=None,
        active=len(running),
        failed_indexes=frozenset(failed),
        namespace="team",
    )
    entry.children[child.uid] = child
    for k in sorted(running | failed):
        again = 1 + (random.random() < 0.15 or k in failed)
        for attempt in range(again):
            last = attempt == again - 1
            pod = _pod(world, child, k, attempt, ended=not last or k in failed)
            (entry.gone if pod.ended else entry.pods)[pod.uid] = pod


def _pod(world: PageWorld, child: ChildJob, index: int, attempt: int, *, ended: bool) -> ChildPod:
    ago = timedelta(seconds=1_800 - 7 * index % 1_500 - 600 * attempt)
    row = 256 * index + 17
    said = f"ValueError: row {row:,}: image file is truncated (3 bytes not processed)"
    return ChildPod(
        name=f"{child.name}-{index}-{'abcdefgh'[attempt]}x9k2",
        uid=f"pod-{child.uid}-{index}-{attempt}",
        child_uid=child.uid,
        role="worker",
        index=index,
        phase="Failed" if ended else "Running",
        created=world.now - ago,
        node=f"gpu-{index % 8}",
        started=True,
        ended=ended,
        ended_at=world.now - ago + timedelta(seconds=300) if ended else None,
        exit_code=ExitCode.USER_CODE if ended else None,
        died=Reason("Error", said) if ended else None,
        termination=Termination(code=ExitCode.USER_CODE, message=said) if ended else None,
        namespace="team",
    )


def add_list(world: PageWorld, number: int) -> None:
    """Jobs of all kinds, a few minutes apart."""
    random = Random(3)
    states = ["Running"] * 3 + ["Complete"] * 6 + ["Failed", "Queued", "Suspended", "Pending"]
    for k in range(number):
        state = states[k % len(states)]
        total = random.choice([40, 1_000, 25_000])
        done = {"Complete": total, "Queued": 0, "Pending": 0}.get(state, random.randrange(total))
        more: dict[str, Any] = {"conditions": []}
        if state == "Failed":
            more["conditions"] = [condition(world, "Failed", "ShardsFailed", "3 shards failed")]
        if state == "Running":
            more |= {
                "rate": random.uniform(50, 9_000),
                "eta": stamp(world, random.randrange(9_000)),
            }
        status = {"state": state, "batches": {"done": done, "total": total}, **more}
        status["shards"] = {"succeeded": 16 * done // total, "total": 16}
        kind = random.choice(["embed", "caption", "score", "detect"])
        namespace = random.choice(["search", "team", "vision"])
        world.add(f"{kind}-{k:04}", namespace, status=status, age=600 * k, shards=16)
