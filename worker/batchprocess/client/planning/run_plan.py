"""Running the Job that plans, and what it has said."""

from collections.abc import Callable, Mapping
from typing import Any

from batchprocess.api.job import BatchProcessJob
from batchprocess.client.errors import (
    AlreadyExists,
    Changed,
    ClusterError,
    NotFound,
    Rejected,
    WaitedTooLong,
)
from batchprocess.client.planning.plan_manifest import LABEL_PLAN, PLAN_SECONDS, plan_job
from batchprocess.client.server.connection import Connection
from batchprocess.kube.names import WORKER_CONTAINER
from batchprocess.kube.paths import (
    child_job,
    child_jobs,
    pod_log,
    pods,
)
from batchprocess.kube.requests import Object, get
from batchprocess.plain_text import plain
from batchprocess.protocol.dry_run import DryRunAnswer, DryRunFailure

START_SECONDS = 300.0
"""Until its container runs: an image of a few GB is pulled in less."""
MAX_LOG = 4 << 20
TAIL_LINES = 200
_LOOK_SECONDS = 1.0
_NEVER = ("InvalidImageName", "CreateContainerConfigError", "ErrImageNeverPull")


class PlanFailed(ClusterError):
    """The job would not work: what its pod has said. `code`: what a worker would end with."""

    def __init__(self, text: str, code: int = 91) -> None:
        super().__init__(text)
        self.code = code


def run_plan(
    connection: Connection,
    job: BatchProcessJob,
    namespace: str,
    suffix: str,
    notice: Callable[[str], object],
) -> DryRunAnswer:
    """What the job's own code has counted, in a pod like its workers'. Nothing of it stays.

    suffix: what makes its Job's name its own. notice: told while a pod does not start.

    Raises PlanFailed, WaitedTooLong, Rejected, Denied.
    """
    name = f"{job.metadata.name}-plan-{suffix}"
    made = _create(connection, plan_job(job, namespace, name))
    try:
        pod = _ended_pod(connection, namespace, name, notice)
        return _answer(connection, namespace, pod)
    finally:
        _delete(connection, namespace, made)


def _create(connection: Connection, wanted: Mapping[str, Any]) -> Object:
    meta = wanted["metadata"]

    def once() -> Object:
        try:
            return connection.create(child_jobs(meta["namespace"]), wanted)
        except AlreadyExists:
            # By us, whose answer was lost: nobody else knows the name.
            return connection.get(child_job(meta["namespace"], meta["name"]))

    return connection.patiently(once)


def _delete(connection: Connection, namespace: str, made: Mapping[str, Any]) -> None:
    meta = made["metadata"]
    try:
        connection.delete(child_job(namespace, meta["name"]), uid=meta["uid"])
    except (NotFound, Changed):
        return


def _ended_pod(
    connection: Connection, namespace: str, name: str, notice: Callable[[str], object]
) -> Object:
    begun, told = connection.clock(), ""
    while True:
        found = next(connection.pages(pods(namespace), f"{LABEL_PLAN}={name}"), None)
        phase, why = ("", "no pod was made for it") if found is None else _waits_for(found)
        if found is not None and phase in ("Succeeded", "Failed"):
            return found
        passed = connection.clock() - begun
        if why.startswith(_NEVER) or (why and passed > START_SECONDS):
            raise PlanFailed(f"the pod that plans does not start: {why}")
        if passed > PLAN_SECONDS:
            raise WaitedTooLong(f"the pod that plans has not ended within {PLAN_SECONDS} s")
        if why not in ("", told) and found is not None:
            notice(f"the pod that plans waits: {why}")
            told = why
        connection.sleep(_LOOK_SECONDS)


def _waits_for(raw: Mapping[str, Any]) -> tuple[str, str]:
    """The pod's phase, and why it has not begun; empty once it has, or while nobody knows."""
    status = raw.get("status") or {}
    phase = str(status.get("phase") or "")
    if phase != "Pending":
        return phase, ""
    for one in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        waiting = (one.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason") or "")
        if reason not in ("", "ContainerCreating", "PodInitializing"):
            return phase, plain(f"{reason}: {waiting.get('message') or ''}")
    for one in status.get("conditions") or ():
        if one.get("type") == "PodScheduled" and one.get("status") == "False":
            return phase, plain(f"{one.get('reason')}: {one.get('message') or ''}")
    return phase, ""


def _answer(connection: Connection, namespace: str, pod: Mapping[str, Any]) -> DryRunAnswer:
    """The last line that is one. Others may follow it: both streams are one log."""
    path = pod_log(namespace, str(pod["metadata"]["name"]))
    asked = {"container": WORKER_CONTAINER, "tailLines": str(TAIL_LINES)}
    try:
        text = connection.patiently(
            lambda: connection.transport.text(get(path, asked), MAX_LOG)
        ).decode(errors="replace")
    except (NotFound, Rejected):
        text = ""
    lines = [line for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        failure = DryRunFailure.decode(line)
        if failure is not None:
            raise PlanFailed(f"the pod that plans has failed: {failure.failed}", failure.code)
        try:
            return DryRunAnswer.decode(line)
        except ValueError:
            continue
    last = (
        lines[-1] if lines else str((pod.get("status") or {}).get("message") or "it said nothing")
    )
    raise PlanFailed(f"the pod that plans has not answered: {plain(last)}")
