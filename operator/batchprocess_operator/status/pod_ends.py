"""How pods have ended, as causes that a person can act on. Pure."""

import signal
from collections.abc import Iterable
from itertools import chain, islice

from batchprocess.plain_text import plain
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.observed import ChildPod
from batchprocess_operator.model.words import MAX_SENTENCE, folded
from batchprocess_operator.status.pods_starting import never_ran

_KINDS: dict[int, str] = {
    ExitCode.STORAGE: "StorageFailed",
    ExitCode.STALLED: "PodStalled",
    ExitCode.NO_PROGRESS: "NoProgress",
    ExitCode.CLOSED: "ShardClosed",
    ExitCode.USER_CODE: "UserCodeRaised",
}
RANKS = (
    *("StorageFailed", "SidecarFailed", "PodKilled", "PodError", "PodRefused", "PodEvicted"),
    "PodStalled",
    *("NoProgress", "ShardClosed", "OOMKilled", "UserCodeRaised"),
)
"""The last is for people the most telling."""
_WITH_NAME = frozenset({"SidecarFailed", "PodKilled", "PodRefused", "PodEvicted", "OOMKilled"})
_MAX_COMPARED = 200
"""Pods whose sentences are compared: a job of 10,000 shards may have as many that have failed."""


def kind_of(pod: ChildPod) -> str:
    """One of RANKS."""
    code, failure = pod.exit_code or 0, pod.failure
    if failure is not None and failure.reason in ("Evicted", "SidecarFailed"):
        return "PodEvicted" if failure.reason == "Evicted" else "SidecarFailed"
    if pod.died is not None and pod.died.reason == "OOMKilled":
        return "OOMKilled"
    if failure is not None:
        return "PodRefused" if pod.exit_code is None else "PodKilled"
    return _KINDS.get(code, "PodKilled" if code > 128 else "PodError")


def rank(kind: str) -> int:
    """Greater is more telling."""
    return RANKS.index(kind) if kind in RANKS else -1


def sentence_of(pod: ChildPod) -> str:
    """The agent's words; of a pod that was killed, or left none, also its name and how it ended."""
    unborn = never_ran(pod)
    if unborn is not None:
        return plain(unborn.message, MAX_SENTENCE)
    said = _last_line(pod) if pod.termination is None else pod.termination.message
    if said and pod.termination is not None and kind_of(pod) not in _WITH_NAME:
        return plain(said, MAX_SENTENCE)
    return plain(f"pod {pod.name} {_how(pod)}{': ' if said else ''}{said}", MAX_SENTENCE)


def causes_of(pods: Iterable[ChildPod]) -> list[str]:
    """What pods, oldest first, have failed of: of each kind the newest, then others, each once."""
    kinds = _by_kind(pods)
    others = chain.from_iterable(of[1:] for of in kinds)
    return _each_once((*(of[0] for of in kinds), *islice(others, _MAX_COMPARED)))


def newest_causes(pods: Iterable[ChildPod]) -> list[str]:
    """Of each kind the newest, the most telling first."""
    return _each_once(of[0] for of in _by_kind(pods))


def _by_kind(pods: Iterable[ChildPod]) -> list[list[ChildPod]]:
    """The most telling kind first, and of each the newest pod."""
    kinds: dict[str, list[ChildPod]] = {}
    for pod in pods:
        kinds.setdefault(kind_of(pod), []).append(pod)
    return [kinds[kind][::-1] for kind in sorted(kinds, key=rank, reverse=True)]


def _each_once(pods: Iterable[ChildPod]) -> list[str]:
    told: dict[str, str] = {}
    for pod in pods:
        words = sentence_of(pod)
        # Pods that were killed differ in their names alone.
        told.setdefault(folded(words.replace(pod.name, "")), words)
    return list(told.values())


def _how(pod: ChildPod) -> str:
    code, failure = pod.exit_code, pod.failure
    ended = "" if code is None else f" ({_of_code(code)})"
    if failure is not None:
        return (
            f"has failed{ended}: {failure.reason}{': ' if failure.message else ''}{failure.message}"
        )
    if pod.died is not None and pod.died.reason == "OOMKilled":
        return f"was OOMKilled{ended}"
    return f"has ended{ended}"


def _of_code(code: int) -> str:
    try:
        return f"exit code {code}, {signal.Signals(code - 128).name}"
    except ValueError:
        return f"exit code {code}"


def _last_line(pod: ChildPod) -> str:
    """Of the log, where the agent left no message."""
    lines = [] if pod.died is None else pod.died.message.splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")
