"""What `helm test` runs in a pod: one small job, from its creation to Complete.

`python -m batchprocess_operator.trial_job`. The pod says by its environment what to run and who it
is. The job belongs to the pod, and goes with it. Exits with 0 if the job is Complete in time.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from batchprocess.kube import paths
from batchprocess_operator.kube import login
from batchprocess_operator.kube.client import Api
from batchprocess_operator.kube.errors import AlreadyExists, ApiError, Unavailable
from batchprocess_operator.kube.rate_limit import RateLimit
from batchprocess_operator.model.job import FINAL

_PREFIX = "BATCHPROCESS_OPERATOR_TRIAL_"
_PAUSE_SECONDS = 2.0
Object = dict[str, Any]


class JobApi(Protocol):
    """What is asked of the API server."""

    async def get(self, path: str) -> Object:
        """The object at `path`."""

    async def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Create `body` in the collection at `path`. Raises AlreadyExists."""


@dataclass(frozen=True)
class Trial:
    """A job for `seconds` at most, and the pod that it belongs to."""

    job: Mapping[str, Any]
    seconds: float
    pod_name: str
    pod_uid: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """As the chart says it. KeyError or ValueError for what it never says."""
        told = {name: environ[_PREFIX + name] for name in ("JOB", "SECONDS", "POD_NAME", "POD_UID")}
        return cls(
            json.loads(told["JOB"]), float(told["SECONDS"]), told["POD_NAME"], told["POD_UID"]
        )

    def manifest(self) -> Object:
        """A name for each pod: whatever an earlier one has left is in nobody's way."""
        owner = {"apiVersion": "v1", "kind": "Pod", "name": self.pod_name, "uid": self.pod_uid}
        meta = dict(self.job["metadata"])
        meta["name"] = f"{meta['name']}-{self.pod_uid[:8]}"
        return {**self.job, "metadata": {**meta, "ownerReferences": [owner]}}


async def run_trial(trial: Trial, api: JobApi, say: Callable[[str], None]) -> bool:
    """Whether the job is Complete in time. Raises ApiError for what is refused.

    An answer that is lost is asked for again: the name is always the same.
    """
    clock, body = asyncio.get_running_loop().time, trial.manifest()
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    end, created, told = clock() + trial.seconds, False, ""
    status: Mapping[str, Any] = {}
    while clock() < end:
        try:
            if not created:
                created = await _create(api, paths.job_objects(namespace), body)
            status = (await api.get(paths.job_object(namespace, name))).get("status") or {}
        except Unavailable as error:
            say(f"the API server cannot be asked now: {error}")
        now = _line(status)
        if now != told:
            told = now
            say(f"job {namespace}/{name}: {now}")
        if status.get("state") in FINAL:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    if status.get("state") == "Complete":
        return True
    say(f"job {namespace}/{name} is not Complete, after at most {trial.seconds:.0f} s")
    for line in _conditions(status):
        say(line)
    return False


async def _create(api: JobApi, path: str, body: Object) -> bool:
    try:
        await api.create(path, body)
    except AlreadyExists:
        return True
    return True


def _line(status: Mapping[str, Any]) -> str:
    state = status.get("state") or "no operator has looked at it yet"
    shards = (status.get("display") or {}).get("shards")
    return f"{state}, shards {shards}" if shards else str(state)


def _conditions(status: Mapping[str, Any]) -> Iterable[str]:
    for one in status.get("conditions") or ():
        said = f"  {one['type']} is {one['status']}: {one['reason']} {one.get('message', '')}"
        yield said.rstrip()


async def _main() -> int:
    trial, clock = Trial.from_env(os.environ), asyncio.get_running_loop().time
    async with login.client() as client:
        try:
            done = await run_trial(trial, Api(client, RateLimit(10, 10, clock)), _say)
        except ApiError as error:
            _say(str(error))
            return 1
    return 0 if done else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
