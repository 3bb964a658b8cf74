"""Every condition that a job may have and every reason that we give, with what they mean.

docs/reference/conditions.md is made of this; a test finds what the code says and this does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_FAILURES: Mapping[str, str] = {
    "ShardsFailed": "more shards have failed than `failurePolicy.maxFailedShards` tolerates",
    "CannotWork": "exit code 91: no worker can ever do this job, with the worker's sentence",
    "TooManyBadRows": "exit code 95: more rows were left out than `failurePolicy.maxBadRows` "
    "allows; with a higher one `spec.retry` goes on",
    "StartDeadlineExceeded": "no pod ran within `timeouts.startSeconds`",
    "DeadlineExceeded": "`timeouts.activeDeadlineSeconds` are over",
    "JobRejected": "the API server does not take the child Job, and never will",
    "InvalidSpec": "no pods can be made of what the job says",
    "VerificationFailed": "the finalizer has found that storage does not have what ledgers say",
    "FinalizerDeadlineExceeded": "the finalizer has not ended in "
    "`spec.finalizer.activeDeadlineSeconds`",
    "FinalizerFailed": "the finalizer has ended without a result",
}
_STATES: Mapping[str, str] = {
    "Pending": "no worker has run yet",
    "Running": "workers are at work",
    "Finalizing": "every shard is sealed, or given up",
    "Suspended": "`spec.suspend`",
    "Queued": "Kueue has not admitted the job",
    "Finished": "the run is final",
    "FinishedWithFailures": "the run is final, with tolerated failed shards",
}


@dataclass(frozen=True, slots=True)
class ConditionType:
    """`reasons`: ours, with what each means. `others`: whose reasons it may have beside them."""

    meaning: str
    reasons: Mapping[str, str]
    others: str = ""


def _states(*names: str) -> Mapping[str, str]:
    return {name: _STATES[name] for name in names}


CONDITION_TYPES: Mapping[str, ConditionType] = {
    "Running": ConditionType(
        "a pod runs at this moment, or not: between two pods of a running job it is False",
        {
            "PodsRunning": "so many pods run",
            "NoPodNow": "the job is Running, and one pod has ended and the next not begun",
            **_states("Pending", "Finalizing", "Suspended", "Queued"),
            **_states("Finished", "FinishedWithFailures"),
        },
        "of `Failed`",
    ),
    "Suspended": ConditionType(
        "no worker is wanted now: suspended, scaled to 0, or waiting for Kueue",
        {
            **_states("Suspended", "Queued"),
            "ScaledToZero": "`spec.parallelism` is 0, and no worker has run yet",
            "FinalizerSuspended": "the finalizer's Job is suspended, by Kueue or somebody else",
            **_states("Pending", "Running", "Finalizing"),
        },
    ),
    "Progressing": ConditionType(
        "False: the job does not get on",
        {
            "BatchesFinish": "nothing else was heard",
            "Indexing": "no shard has begun yet: the files of the input are listed, or counted",
            "Stalled": "no batch was heard to finish for half of `timeouts.stallSeconds`, at most "
            "5 minutes; names the shards",
            "PodKeptBySidecar": "our container has ended, and a plain sidecar keeps its pod: "
            "[sidecars](../kubernetes.md#sidecars)",
        },
        "of `PodsFailed`, while pods fail and no other gets further, and of `PodsStarting`, while "
        "none runs",
    ),
    "PodsStarting": ConditionType(
        "True while pods start; False, within a minute, with why they do not",
        {
            "Starting": "so many pods have been made and do not run yet",
            "Unschedulable": "no node takes the pod, with the scheduler's sentence",
            "SchedulingGated": "nobody has taken away the pod's scheduling gates; names them, or "
            "says that the queue of an `elastic` job has no room",
            "NodeNotFound": "the pod is for a node that is not there (`nodeName`)",
            "NodeNotReady": "the pod is for a node that is not ready, and has not seen it",
            "NotScheduled": "no scheduler has looked at the pod (`schedulerName`)",
            "ImageWithoutBatchprocess": "the image's `python` has no batchprocess",
            "JobRejected": _FAILURES["JobRejected"],
            "NotAllowed": "RBAC, a quota or an admission policy refuses the child Job",
        },
        "of Kubernetes, such as ErrImagePull, ImagePullBackOff, FailedMount, FailedCreate, "
        "CreateContainerConfigError, StartError",
    ),
    "PodsFailed": ConditionType(
        "True from the first failed pod on, with its own sentence, while its shard is tried again",
        {
            "UserCodeRaised": "exit code 90: an exception of user code",
            "OOMKilled": "a container had no more memory",
            "ShardClosed": "exit code 94: the shard was given up before",
            "NoProgress": "exit code 92: attempt after attempt commits nothing",
            "PodStalled": "exit code 86: a batch did not end in time",
            "PodEvicted": "its node ended it, for more storage than its limit",
            "PodRefused": "its node did not take it",
            "PodError": "another exit code",
            "PodKilled": "a signal ended it",
            "SidecarFailed": "ours has ended with 0, and another plain container has failed",
            "StorageFailed": "exit code 88: storage could not be used for too long",
        },
    ),
    "WaitingForNode": ConditionType(
        "pods cannot be stopped because their node is gone",
        {"NodeLost": "names pods and nodes"},
    ),
    "NameConflict": ConditionType(
        "somebody else's Job has our child's name; delete it, or rename the job",
        {"NameConflict": "names that Job"},
    ),
    "Degraded": ConditionType(
        "storage went back",
        {"DataLoss": "a newer attempt stands on an older cursor than was seen before"},
    ),
    "MetricsReduced": ConditionType(
        "whether reducers gave their values; outputs count nevertheless",
        {"Reduced": "they did", "ReducerFailed": "one raised, with its sentence"},
    ),
    "UnknownFields": ConditionType(
        "the CRD is of a newer release than the operator, and the job has fields that the operator "
        "does not know: [a newer CRD](../kubernetes.md#a-newer-crd)",
        {"NewerCRD": "names the fields"},
    ),
    "SourceChanged": ConditionType(
        "a worker was started with other files of `source.configMap` than the run was begun with; "
        "it stays to the end: [what if](../dataset-changes.md)",
        {"ConfigMapEdited": "names both digests, and what became of such workers"},
    ),
    "BadRows": ConditionType(
        "rows were left out ([bad rows](../bad-rows.md)); it stays to the end",
        {
            "RowsLeftOut": "so many, as far as is known",
            "AboveLimit": "more than `failurePolicy.maxBadRows` allows, over all shards: if "
            "records say so too, the finalizer will not make the run final",
        },
    ),
    "NotificationsFailed": ConditionType(
        "messages that `spec.notify` asks for do not arrive "
        "([notifications](../notifications.md)); the job goes on all the same",
        {
            "UnknownDestination": "the platform has set up no destination of that name for the "
            "job's namespace; names those that there are",
            "DeliveryFailed": "a message is not delivered since five minutes, with how the last "
            "try has ended",
            "MessagesLost": "so many messages were given up",
        },
    ),
    "Complete": ConditionType(
        "True at the end of a run that is final",
        _states("Finished", "FinishedWithFailures"),
        "of `Failed`, when it is False",
    ),
    "Failed": ConditionType(
        "True at the end of a job that has failed; `spec.retry` goes on with its open shards",
        {
            **_FAILURES,
            "Failed": "no cause is known any more",
            **_states("Finished", "FinishedWithFailures"),
        },
        "of Kubernetes for a Job that has failed",
    ),
    "Reconciling": ConditionType(
        "for tools that wait (kstatus): the job is on its way",
        {"CreatingJob": "the worker Job is being created"},
    ),
    "Stalled": ConditionType(
        "for tools that wait (kstatus): only a person can help. Always so when `Failed` is True, "
        "with its reason",
        {
            "InvalidSpec": "this operator cannot read the job, and leaves it as it is",
            "OperatorFault": "an error of the operator itself, with its sentence; tried again",
            "RequestsFail": "requests for this job are refused again and again",
            "ChangesUndone": "somebody undoes what the operator does to a Job; names the manager",
            "JobBeingDeleted": "somebody has deleted a Job of this job, and finalizers keep it; "
            "names them",
        },
        "of a refused change or deletion (a Job or pod that may not be changed), of a finalizer "
        "that would be refused, and of `Failed`",
    ),
}
