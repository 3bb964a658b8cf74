"""Names, labels and annotations of the operator alone; `batchprocess.kube.names` has all others."""

from batchprocess.protocol.job_object import GROUP

ANNOTATION_RETRY = f"{GROUP}/retry"
"""The value of spec.retry that a child was made for; on children."""

ANNOTATION_LITERAL = f"{GROUP}/literal"
"""`true` on children that would get other text from Kubernetes if no `$` of ours were doubled."""

ANNOTATION_FINALIZER = f"{GROUP}/finalizer"
"""Digest of the spec.finalizer that a child was made with; on children."""

ANNOTATION_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
"""Ignored failures of a pod's index: Kubernetes backs off by it; the operator sets it to 0."""
LABEL_QUEUE = "kueue.x-k8s.io/queue-name"
"""Kueue's queue; on both children of a job that names one."""
ANNOTATION_ELASTIC = "kueue.x-k8s.io/elastic-job"
"""On the worker Job of a job whose parallelism may change under Kueue."""
ANNOTATION_WORKLOAD = "kueue.x-k8s.io/workload"
"""Of which Workload of Kueue pods are; on the template of a Job that it has started."""
ANNOTATION_STOPPING = "kueue.x-k8s.io/stopping"
"""On a Job while Kueue is about to stop it, in several writes."""
GATE_ELASTIC = "kueue.x-k8s.io/elastic-job"
"""What keeps its pods from being scheduled until Kueue has admitted them."""

FIELD_MANAGER = "batchprocess-operator"
MADE = "made"
"""Among the fields of a child that somebody sets back: that it is there at all."""


def worker_job_name(job_name: str, uid: str, retry: int) -> str:
    """The child Job of workers: a job of the same name made later has another UID."""
    return _child(job_name, uid, "", retry)


def finalizer_job_name(job_name: str, uid: str, retry: int) -> str:
    """The child Job of the finalizer."""
    return _child(job_name, uid, "-fin", retry)


def _child(job_name: str, uid: str, suffix: str, retry: int) -> str:
    return f"{job_name}-{uid[:8]}{suffix}" + (f"-r{retry}" if retry else "")
