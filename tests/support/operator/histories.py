"""Random sequences of what an operator may observe of one job, for hypothesis.

Each observation is drawn anew, so children and pods come and go, sources contradict each other, and
everything is as late as it likes. `honest`: what pods tell could have been told by our own agent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from batchprocess.kube.index_ranges import format_ranges
from batchprocess.protocol.run import RunShape
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.protocol.termination import Result, ShardEnd, Termination
from batchprocess_operator.model.names import MADE
from batchprocess_operator.model.observed import ChildJob, ChildPod, Observed, Reason
from batchprocess_operator.model.reported import Reported, ShardReport
from support.operator.objects import FINALIZER, NOW, WORKER, child, condition, pod

SHARDS = 4
SHAPE = RunShape(rows=37, batch_size=4, batches=10)
PLAN = ShardPlan(SHAPE.rows, SHAPE.batch_size, SHARDS)
CODES = (0, 1, 2, 85, 86, 87, 88, 90, 91, 92, 93, 94, 137)
REASONS = (
    "FailedIndexes",
    "MaxFailedIndexesExceeded",
    "PodFailurePolicy",
    "DeadlineExceeded",
    "BackoffLimitExceeded",
    "",
)
anything = st.integers(-(2**70), 2**70)


@dataclass(frozen=True)
class Step:
    """What is seen `seconds` after the step before, and how the spec is edited first."""

    seconds: int
    observed: Observed
    edit: dict[str, Any]


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """What matters to the state machine."""
    policy = st.fixed_dictionaries(
        {},
        optional={
            "maxFailedShards": st.sampled_from([None, 0, 1, 2]),
            "lostNodeSeconds": st.sampled_from([None, 0, 300]),
        },
    )
    return st.fixed_dictionaries(
        {"failurePolicy": policy},
        optional={
            "worker": st.sampled_from([{"processesPerWorker": 2}]),
            "timeouts": st.sampled_from([{"startSeconds": 30}, {"activeDeadlineSeconds": 60}]),
            "queueName": st.just("gpus"),
            "notify": st.sampled_from([{"to": "team", "everyPercent": 5}, {"to": "nobody"}]),
            "ttlSecondsAfterFinished": st.sampled_from([0, 60]),
            # One that bounds nothing: honest pods know of the shards of PLAN only.
            "maxBatches": st.sampled_from([0, 99]),
            # Kueue's elastic Jobs; without a queue the API server refuses them.
            "elastic": st.just(True),
        },
    ).map(lambda spec: spec if "queueName" in spec else {**spec, "elastic": False})


@st.composite
def steps(draw: st.DrawFn, *, honest: bool, spec: Mapping[str, Any]) -> Step:
    """One observation, and maybe an edit."""
    edits: dict[str, st.SearchStrategy[Any]] = {
        "retry": st.integers(0, 3),
        "ttlSecondsAfterFinished": st.sampled_from([0, 60]),
        "finalizer": st.sampled_from([{"gpus": 1}, {"activeDeadlineSeconds": 60}]),
    }
    if "queueName" not in spec:
        edits["suspend"] = st.booleans()
    if "queueName" not in spec or spec.get("elastic"):
        edits["parallelism"] = st.integers(0, 9)
    edit = draw(st.fixed_dictionaries({}, optional=edits))
    return Step(draw(st.integers(0, 400)), draw(observations(honest=honest)), edit)


@st.composite
def observations(draw: st.DrawFn, *, honest: bool) -> Observed:
    """Everything there is to see, in any combination."""
    children = draw(_children())
    made = [one.name for one in children] or [WORKER]
    pods = draw(st.lists(_pods(made, honest=honest), max_size=5, unique_by=lambda one: one.uid))
    split = draw(st.integers(0, len(pods)))
    reasons = st.builds(Reason, st.sampled_from(["NameConflict", "NotAllowed"]), st.just("no"))
    return Observed(
        children=tuple(children),
        pods=tuple(pods[split:]),
        gone=tuple(pods[:split]),
        reported=draw(_reported(honest=honest)),
        refused=draw(st.dictionaries(st.sampled_from([WORKER, FINALIZER]), reasons, max_size=1)),
        unchangeable=draw(st.dictionaries(st.sampled_from(made), reasons, max_size=1)),
        undone=draw(st.dictionaries(st.sampled_from(made), _undone(), max_size=2)),
        trouble=draw(
            st.dictionaries(
                st.sampled_from([one.name for one in pods] or [WORKER]),
                st.builds(Reason, st.text(max_size=8), st.text(max_size=8)),
                max_size=2,
            )
        ),
        lost_nodes=draw(st.sampled_from([frozenset(), frozenset({"node-1"})])),
    )


def _undone() -> st.SearchStrategy[tuple[str, ...]]:
    """Of one child, what somebody undoes."""
    return st.sampled_from([("suspend",), ("activeDeadlineSeconds", "parallelism"), (MADE,)])


@st.composite
def _children(draw: st.DrawFn) -> list[ChildJob]:
    names = draw(st.sets(st.sampled_from(["", "-r1", "-r2"]), max_size=2))
    found = [draw(_child(f"{WORKER}{name}", name)) for name in sorted(names)]
    for name in sorted(draw(st.sets(st.sampled_from(["", "-r1"]), max_size=1))):
        found.append(draw(_child(f"{FINALIZER}{name}", name)))
    return found


@st.composite
def _child(draw: st.DrawFn, name: str, suffix: str) -> ChildJob:
    retry, total = int(suffix[2:] or 0), 1 if "-fin" in name else SHARDS
    done = draw(st.sets(st.integers(0, total - 1)))
    failed = draw(st.sets(st.integers(0, total - 1))) - done
    status: dict[str, Any] = {
        "succeeded": len(done),
        "completedIndexes": format_ranges(done),
        "failedIndexes": format_ranges(failed),
        "active": draw(st.integers(0, 2)),
    }
    kind = draw(st.sampled_from([None, None, "Complete", "Failed", "FailureTarget", "Suspended"]))
    if kind is not None:
        status["conditions"] = [condition(kind, draw(st.sampled_from(REASONS)), "as told")]
    if draw(st.booleans()):
        status["startTime"] = None
    fields: dict[str, Any] = {"suspend": draw(st.booleans()), "parallelism": 2}
    fields["queue"] = draw(st.sampled_from([None, "gpus"]))
    fields["managers"] = draw(st.sampled_from([{}, {"suspend": "kueue"}]))
    if retry and "-fin" not in name:
        fields["shards"] = "1,3"
        fields["completions"] = 2
    return child(name, retry=retry, status=status, created=-draw(st.integers(0, 900)), **fields)


@st.composite
def _pods(draw: st.DrawFn, made: list[str], *, honest: bool) -> ChildPod:
    of, index = draw(st.sampled_from(made)), draw(st.integers(0, SHARDS - 1))
    fields: dict[str, Any] = {
        "of": of,
        "created": -draw(st.integers(0, 900)),
        "name": f"pod-{draw(st.integers(0, 99))}",
        "ignored": draw(st.integers(0, 2)),
    }
    if draw(st.booleans()):
        fields["code"] = draw(st.sampled_from(CODES))
        fields["said"] = draw(st.none() | _words(of, honest=honest))
    elif draw(st.booleans()):
        waits = {"waiting": {"reason": draw(st.sampled_from(["ErrImagePull", "x y", "a"]))}}
        fields |= {"phase": "Pending", "state": waits}
    if draw(st.booleans()):
        fields["deleted"] = draw(st.integers(-900, 60))
    if draw(st.booleans()):
        fields["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    return pod(index, **fields)


@st.composite
def _words(draw: st.DrawFn, of: str, *, honest: bool) -> Termination:
    if "-fin" in of and draw(st.booleans()):
        told = Result(
            rows=SHAPE.rows if honest else draw(anything),
            batches=SHAPE.batches if honest else draw(anything),
            failed_shards=draw(st.integers(0, 2)),
            attempts=draw(st.integers(0, 9)) if honest else draw(anything),
            metrics=draw(st.dictionaries(st.text(max_size=3), st.floats(), max_size=2)),
            metrics_error=draw(st.none() | st.just("raised")),
        )
        return Termination(code=0, result=told)
    ends = draw(st.lists(_ends(honest=honest), max_size=3))
    run = draw(st.none() | st.just(SHAPE))
    return Termination(message=draw(st.text(max_size=20)), shards=tuple(ends), run=run)


@st.composite
def _ends(draw: st.DrawFn, *, honest: bool) -> ShardEnd:
    if not honest:
        numbers = [draw(anything) for _ in range(4)]
        return ShardEnd(
            shard=draw(st.integers(-2, 2 * SHARDS) | anything),
            cursor=numbers[1],
            total=numbers[2],
            sealed=draw(st.booleans()),
            seq=numbers[3],
        )
    shard = draw(st.integers(0, SHARDS - 1))
    cursor, total = draw(st.integers(0, PLAN.size(shard))), PLAN.size(shard)
    sealed = cursor == total and draw(st.booleans())
    return ShardEnd(
        shard=shard, cursor=cursor, total=total, sealed=sealed, seq=draw(st.integers(0, 30))
    )


@st.composite
def _reported(draw: st.DrawFn, *, honest: bool) -> Reported:
    shards = draw(st.sets(st.integers(0, SHARDS - 1), max_size=3))
    return Reported(
        shards={shard: draw(_report(shard, honest=honest)) for shard in shards},
        shape=draw(st.none() | st.just(SHAPE)),
        lost=draw(st.integers(0, 50)) if honest else draw(st.integers(0, 2**70)),
        regressed=draw(st.sampled_from([{}, {}, {0: (5, 2)}])),
    )


@st.composite
def _report(draw: st.DrawFn, shard: int, *, honest: bool) -> ShardReport:
    size = PLAN.size(shard)
    count = st.integers(0, size) if honest else st.integers(0, 2**53 - 1)
    cursor = draw(count)
    heard = NOW - timedelta(seconds=draw(st.integers(0, 900)))
    return ShardReport(
        shard=shard,
        claim=draw(st.integers(0, 30)),
        cursor=cursor,
        total=size,
        processed=max(cursor, draw(count)),
        phase=draw(st.sampled_from(["starting", "running", "hook", "storage", "done"])),
        sealed=(cursor == size or not honest) and draw(st.booleans()),
        received=heard,
        advanced=heard - timedelta(seconds=draw(st.integers(0, 900))),
        rate=draw(st.none() | st.floats(0, 2**60) | st.floats(0, 1e-9)),
    )
