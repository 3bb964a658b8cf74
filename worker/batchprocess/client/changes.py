"""What people do to a job that is there. Each means the same if it is done twice."""

from typing import Any

from batchprocess.client.errors import Changed, NotFound, Rejected, WaitedTooLong
from batchprocess.client.server.connection import Connection
from batchprocess.client.snapshot import Snapshot
from batchprocess.kube.names import LABEL_JOB_UID
from batchprocess.kube.paths import job_object, pods

_TRIES = 5
_POLL_SECONDS = 1.0


def read_again(connection: Connection, job: Snapshot) -> Snapshot:
    """The job as it is now. Raises NotFound, or Changed if another one has its name."""
    seen = Snapshot(connection.get(job_object(job.namespace, job.name)))
    if seen.uid != job.uid:
        raise Changed(f"{job.name} was deleted, and another job has its name now")
    return seen


def set_suspend(connection: Connection, job: Snapshot, *, suspend: bool) -> Snapshot:
    """Have all workers commit and stop, or begin again. Raises Rejected for a job of Kueue."""
    if suspend and job.ended:
        raise Rejected(f"{job.name} has ended as {job.status.state}: nothing is left to suspend")
    return _patch(connection, job, {"uid": job.uid}, {"suspend": suspend})


def raise_retry(connection: Connection, job: Snapshot) -> Snapshot:
    """Have the shards that are not complete run again. Raises Rejected unless it has failed.

    Who is told that the job is tried again already has changed nothing.
    """
    for _ in range(_TRIES):
        if job.status.state != "Failed" or not job.ended:
            state = job.status.state or "Pending"
            more = " and is tried again already" if state == "Failed" else ""
            raise Rejected(
                f"{job.name} is {state}{more}: only a job that has failed can be retried"
            )
        guard = {"uid": job.uid, "resourceVersion": job.version}
        try:
            return _patch(connection, job, guard, {"retry": job.asked_retry + 1})
        except Changed:
            wanted, job = job.asked_retry + 1, read_again(connection, job)
            if job.asked_retry >= wanted:
                # By us, whose answer was lost, or by somebody else at the same moment.
                return job
    raise Changed(f"{job.name} changes all the time: try again")


def delete(connection: Connection, job: Snapshot) -> None:
    """Delete the job, and soon after its pods: workers commit first. Outputs stay.

    One that is gone already is as good.
    """
    try:
        connection.delete(job_object(job.namespace, job.name), uid=job.uid)
    except (NotFound, Changed):
        return


def cancel(connection: Connection, job: Snapshot, timeout: float) -> None:
    """Delete a job that has not ended, and wait until its pods have committed and are gone.

    Raises Rejected for one that has ended, WaitedTooLong after `timeout` seconds.
    """
    if job.ended:
        raise Rejected(f"{job.name} has ended as {job.status.state}: it can only be deleted")
    delete(connection, job)
    begun = connection.clock()
    selector = f"{LABEL_JOB_UID}={job.uid}"
    while any(True for _ in connection.pages(pods(job.namespace), selector)):
        if connection.clock() - begun > timeout:
            raise WaitedTooLong(
                f"{job.name} is deleted, and after {timeout:g} s some of its pods are still there"
            )
        connection.sleep(_POLL_SECONDS)


def _patch(
    connection: Connection, job: Snapshot, guard: dict[str, str], spec: dict[str, Any]
) -> Snapshot:
    body = {"metadata": guard, "spec": spec}
    return Snapshot(connection.patch(job_object(job.namespace, job.name), body))
