"""Names that client and operator know jobs' objects by. Those of one of them alone stand there."""

from batchprocess.protocol.job_object import GROUP

LABEL_JOB = f"{GROUP}/job"
"""Name of the BatchProcessJob; on children and their pods, for people."""
LABEL_JOB_UID = f"{GROUP}/job-uid"
"""UID of the BatchProcessJob; on children and their pods. Written and read by the operator."""
LABEL_ROLE = f"{GROUP}/role"
"""`worker` or `finalizer`; on children and their pods."""
ANNOTATION_SHARDS = f"{GROUP}/shards"
"""Index ranges of the shards that a retry child works on; on it and its pods."""

LABEL_INDEX = "batch.kubernetes.io/job-completion-index"
"""Completion index of a pod; Kubernetes writes it, as label and annotation."""

WORKER_CONTAINER = "worker"
"""The one plain container of every pod."""
