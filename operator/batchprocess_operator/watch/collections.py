"""What is listed and watched: jobs, and the Jobs and pods with our label."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from batchprocess.kube import paths
from batchprocess.kube.names import LABEL_JOB_UID

Kind = Literal["job", "child", "pod"]


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of objects, of one namespace or (None) of all; `selector` of labels."""

    kind: Kind
    namespace: str | None
    path: str
    selector: str | None


def collections(namespaces: Iterable[str | None]) -> list[Collection]:
    """Those of these namespaces, jobs before their children before their pods."""
    return [
        one
        for namespace in namespaces
        for one in (
            Collection("job", namespace, paths.job_objects(namespace), None),
            Collection("child", namespace, paths.child_jobs(namespace), LABEL_JOB_UID),
            Collection("pod", namespace, paths.pods(namespace), LABEL_JOB_UID),
        )
    ]
