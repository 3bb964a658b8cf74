"""Who a job is: what its records, its folder and its children are named after."""

from dataclasses import dataclass
from datetime import UTC, datetime

from batchprocess.api.job import BatchProcessJob


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """One object of the API server; a job applied again under the same name is another one."""

    namespace: str
    name: str
    uid: str
    created: datetime
    generation: int
    run_uri: str

    @property
    def job_id(self) -> str:
        """`job` of the ledger's records: such strings compare by age."""
        return f"{self.created.astimezone(UTC):%Y%m%dT%H%M%SZ}-{self.uid}"

    @property
    def run_id(self) -> str:
        """Last part of the run's folder."""
        return self.run_uri.rpartition("/")[2]


def run_uri_of(job: BatchProcessJob, uid: str) -> str:
    """`<uri>/<job name>/<run id>`; the run id is the object's UID unless it is pinned."""
    run_id = job.spec.run_id or uid
    return f"{(job.spec.output.uri or '').rstrip('/')}/{job.metadata.name}/{run_id}"
