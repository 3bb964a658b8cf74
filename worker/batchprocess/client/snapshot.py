"""A job as the API server had it at one moment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from batchprocess.api.job import BatchProcessJob, Spec
from batchprocess.api.new_bounds import STORED
from batchprocess.api.status import Status
from batchprocess.client.errors import ClusterError
from batchprocess.client.outcome import SUCCEEDED, has_ended
from batchprocess.protocol.job_object import API_VERSION, KIND


class Unreadable(ClusterError):
    """An object that this release cannot read: the cluster's CRD is of another one."""


@dataclass(frozen=True, repr=False)
class Snapshot:
    """`raw` is the whole object, as it came."""

    raw: Mapping[str, Any]

    def __repr__(self) -> str:
        """Short: the whole object may have a megabyte."""
        return f"{type(self).__name__}({self.namespace}/{self.name}, {self.uid})"

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.raw["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.raw["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """What tells it from another job of the same name."""
        return str(self.raw["metadata"]["uid"])

    @property
    def version(self) -> str:
        """The object's resourceVersion."""
        return str(self.raw["metadata"]["resourceVersion"])

    @property
    def status(self) -> Status:
        """How far it is. Raises Unreadable."""
        try:
            return Status.model_validate(self.raw.get("status") or {})
        except ValidationError as error:
            raise self._unreadable("status", error) from error

    @property
    def spec(self) -> Spec:
        """What it is asked to do, defaults included. Raises Unreadable."""
        meta = {"name": self.name, "namespace": self.namespace}
        given = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta}
        try:
            whole = given | {"spec": self.raw.get("spec")}
            return BatchProcessJob.model_validate(whole, context=STORED).spec
        except ValidationError as error:
            raise self._unreadable("spec", error) from error

    @property
    def asked_retry(self) -> int:
        """What spec.retry is."""
        found = (self.raw.get("spec") or {}).get("retry", 0)
        return found if isinstance(found, int) else 0

    @property
    def ended(self) -> bool:
        """Whether it is Complete, CompleteWithFailures or Failed, and not about to go on."""
        return has_ended(self.status, self.asked_retry)

    @property
    def succeeded(self) -> bool:
        """Whether it is Complete, or Complete with failures that it tolerates."""
        return self.status.state in SUCCEEDED

    def _unreadable(self, part: str, error: ValidationError) -> Unreadable:
        first = error.errors()[0]
        where = ".".join(str(step) for step in (part, *first["loc"]))
        return Unreadable(
            f"{self.name}: {where} cannot be read by this release of batchprocess "
            f"({first['msg']}); its raw object can"
        )
