"""The pods that failed last, in their own words. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed
from batchprocess_operator.observe.shard_numbers import named_shards, shards_of
from batchprocess_operator.page.views import words
from batchprocess_operator.page.views.words import Moment
from batchprocess_operator.status.pod_ends import kind_of, sentence_of
from batchprocess_operator.status.pods_failed import has_failed

MAX_FAILURES = 20
"""The newest."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One pod that failed. `where`: its shards, or that it is the finalizer."""

    pod: str
    where: str
    kind: str
    message: str
    node: str
    exit_code: str
    ended: Moment | None


def last_failures(
    observed: Observed, total: int, processes_per_worker: int, now: datetime
) -> Sequence[Failure]:
    """Of our own children: whoever may create pods can write our labels on one."""
    children = {one.uid: one for one in observed.children}
    pods = {one.uid: one for one in (*observed.gone, *observed.pods)}
    failed = [one for one in pods.values() if one.child_uid in children and has_failed(one)]
    newest = sorted(failed, key=_ended, reverse=True)[:MAX_FAILURES]
    return [
        _failure(one, children[one.child_uid or ""], total, processes_per_worker, now)
        for one in newest
    ]


def _ended(pod: ChildPod) -> float:
    return (pod.ended_at or pod.created).timestamp()


def _failure(pod: ChildPod, child: ChildJob, total: int, each: int, now: datetime) -> Failure:
    mine = (
        shards_of(child, [pod.index], total, each) if child.role == "worker" else frozenset[int]()
    )
    return Failure(
        pod=words.text(pod.name, 253),
        where=_where(mine) if mine else child.role,
        kind=kind_of(pod),
        message=words.text(sentence_of(pod)),
        node=words.text(pod.node or "", 253),
        exit_code="" if pod.exit_code is None else str(pod.exit_code),
        ended=words.moment(pod.ended_at or pod.created, now),
    )


def _where(mine: Collection[int]) -> str:
    return f"shard {min(mine)}" if len(mine) == 1 else named_shards(mine)
