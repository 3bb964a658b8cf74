"""Why a child has not done what it should, so that its job says so when it has ended. Pure."""

from batchprocess.api.status import Condition
from batchprocess_operator.model.job import Job, said_about
from batchprocess_operator.model.observed import ChildJob, Observed
from batchprocess_operator.model.words import MAX_SENTENCE, sentence
from batchprocess_operator.observe.shard_numbers import named_shards
from batchprocess_operator.observe.shards import Shards
from batchprocess_operator.status.pod_ends import causes_of
from batchprocess_operator.status.pods_failed import has_failed
from batchprocess_operator.status.pods_starting import reasons_not_starting

_TOLD = {
    "PodsStarting": "False",
    "PodsFailed": "True",
    "Stalled": "True",
    "WaitingForNode": "True",
    "Progressing": "False",
}


def with_causes(head: str, job: Job, observed: Observed, child: ChildJob) -> str:
    """`head: cause; cause`, as far as any is known."""
    causes = standing_causes(job, observed, child)
    if not causes:
        return head
    return f"{head}: {sentence(causes, limit=MAX_SENTENCE - len(head) - 2)}"


def standing_causes(job: Job, observed: Observed, child: ChildJob) -> list[str]:
    """From its pods, and where they are gone from the status as last written; each once."""
    known = said_about(job.before, child)
    said = {kind: _words(one) for kind, one in known.items() if _TOLD.get(kind) == one.status}
    starting = reasons_not_starting(observed, child)
    failed = causes_of([pod for pod in observed.pods_of(child) if has_failed(pod)])
    if starting:
        said["PodsStarting"] = "; ".join(
            dict.fromkeys(f"{one.reason}: {one.message}" for one in starting)
        )
    if failed:
        said["PodsFailed"] = sentence(failed)
    return list(dict.fromkeys(said[kind] for kind in _TOLD if kind in said))


def failed_sentence(observed: Observed, shards: Shards, child: ChildJob) -> str:
    """What failed shards have failed of, and which they are."""
    ended = [pod for pod in observed.pods_of(child) if pod.index in child.failed_indexes]
    causes = causes_of([pod for pod in ended if pod.exit_code != 0 or pod.failure is not None])
    return sentence(causes, f"failed: {named_shards(shards.failed)}")


def _words(one: Condition) -> str:
    return f"{one.reason}: {one.message}"
