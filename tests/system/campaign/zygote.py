"""Plays a rough cluster: forks workers from a process that has torch loaded, and kills them.

Run as `python zygote.py SPEC.json`; prints one JSON object when every shard is sealed. It stands in
for kubelet and Job controller only: the workers run the shipped SDK, ledger and storage code on a
real store. Starting them by fork keeps a kill under a second.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SEALED = 0
KILLED = -signal.SIGKILL
# How an attempt may end here: sealed, killed, stopped, fenced, storage unreachable.
EXPECTED = {SEALED, KILLED, 85, 87, 88}
# Per look, every 5 ms: a zombie sleeps for a second or so, while its replacement claims.
WAKE_SHARE = 0.004


@dataclass
class Worker:
    """One forked attempt; `frozen` is a twin that sleeps until its replacement has begun."""

    shard: int
    pid: int
    doom: float
    frozen: bool = False


@dataclass
class Cluster:
    """`parallel` shards at a time; every attempt is doomed until `kills` have happened."""

    start: Callable[[int], None]
    rng: random.Random
    kills: int
    lifetime: float
    freeze_share: float
    killed: int = 0
    frozen: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    def run(self, shards: int, parallel: int) -> None:
        """Until every shard was ended by an attempt with exit code 0."""
        todo: list[int] = list(range(shards))
        running: list[Worker] = []
        sleepers: list[Worker] = []
        woken: list[Worker] = []
        while todo or running:
            while todo and len(running) < parallel:
                running.append(self._fork(todo.pop(self.rng.randrange(len(todo)))))
            time.sleep(0.005)
            for worker in list(running):
                self._strike(worker)
                code = self._reap(worker, wait=False)
                if worker.frozen or code is not None:
                    running.remove(worker)
                    if code is None:
                        sleepers.append(worker)
                    if code != SEALED:
                        todo.append(worker.shard)
            self._wake(sleepers, woken)
        for worker in sleepers:
            os.kill(worker.pid, signal.SIGCONT)
        for worker in [*sleepers, *woken]:
            self._reap(worker, wait=True)

    def _fork(self, shard: int) -> Worker:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            self.start(shard)
        doomed = self.killed + self.frozen < self.kills
        doom = time.monotonic() + self.rng.random() * self.lifetime if doomed else float("inf")
        return Worker(shard, pid, doom)

    def _strike(self, worker: Worker) -> None:
        if time.monotonic() < worker.doom:
            return
        worker.doom = float("inf")
        if self.rng.random() < self.freeze_share:
            self.frozen += 1
            worker.frozen = True
            os.kill(worker.pid, signal.SIGSTOP)
        else:
            os.kill(worker.pid, signal.SIGKILL)

    def _wake(self, sleepers: list[Worker], woken: list[Worker]) -> None:
        """Sometimes let a zombie go on beside its replacement: it must be fenced, or seal."""
        for worker in list(sleepers):
            if self.rng.random() < WAKE_SHARE:
                os.kill(worker.pid, signal.SIGCONT)
                sleepers.remove(worker)
                woken.append(worker)
        for worker in list(woken):
            if self._reap(worker, wait=False) is not None:
                woken.remove(worker)

    def _reap(self, worker: Worker, *, wait: bool) -> int | None:
        pid, status = os.waitpid(worker.pid, 0 if wait else os.WNOHANG)
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        # Counted here: a process that had just ended by itself was not killed.
        self.killed += code == KILLED
        kind = f"{'woken ' if worker.frozen else ''}{code}"
        self.codes[kind] = self.codes.get(kind, 0) + 1
        if code not in EXPECTED:
            sys.exit(f"an attempt on shard {worker.shard} ended with exit code {code}")
        return code


def work(spec: dict[str, Any], shard: int) -> None:
    """In the child: process one shard as a pod's child would, and never return."""
    os.environ.update(spec["env"] | {"BATCHPROCESS_SHARD": str(shard)})
    log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    code = 1
    try:
        from inference import InferenceProcessor, dataset

        from batchprocess import torch_batch_process

        class Recording(InferenceProcessor):  # type: ignore[misc]
            def process_batch(self, batch: Any, batch_idx: int) -> None:
                super().process_batch(batch, batch_idx)
                time.sleep(spec["delay"])
                os.write(log, f"{shard} {os.getpid()} {batch_idx}\n".encode())

        class Concurrent(InferenceProcessor):  # type: ignore[misc]
            async def process_batch(self, batch: Any, batch_idx: int) -> None:
                await asyncio.sleep(random.random() * 2 * spec["delay"])
                super().process_batch(batch, batch_idx)
                lines, self.lines = self.lines, []
                with self.context.upload_path() as path:
                    text = "\n".join(lines) + "\n"
                    Path(path, f"predictions-{batch_idx:06}.jsonl").write_text(text)
                await asyncio.sleep(random.random() * 2 * spec["delay"])
                os.write(log, f"{shard} {os.getpid()} {batch_idx}\n".encode())

            async def on_checkpoint_start(self) -> None:
                assert not self.lines

        window = spec["window"]
        kind = Recording if window is None else Concurrent
        torch_batch_process(kind, dataset(), max_in_flight=window)
        code = SEALED
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # the child's last words; it must never return to the fork
        code = getattr(error, "exit_code", 1)
        if code not in (85, 87):
            print(f"shard {shard}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def main() -> None:
    """Load everything once, then let the cluster loose."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    sys.path.insert(0, spec["source"])
    import boto3  # noqa: F401  loaded before the forks, like torch
    import inference  # noqa: F401
    import torch

    import batchprocess.sdk.entry  # noqa: F401

    torch.set_num_threads(1)
    cluster = Cluster(
        start=lambda shard: work(spec, shard),
        rng=random.Random(spec["seed"]),
        kills=spec["kills"],
        lifetime=spec["lifetime"],
        freeze_share=spec["freeze_share"],
    )
    cluster.run(spec["shards"], spec["parallel"])
    print(json.dumps({"killed": cluster.killed, "frozen": cluster.frozen, "codes": cluster.codes}))


if __name__ == "__main__":
    main()
