"""What `report_metrics` takes: JSON values under keys that do not repeat."""

import itertools
import json
from typing import Any

from batchprocess.protocol.file_names import check_name
from batchprocess.protocol.json_values import check_readable
from batchprocess.protocol.records import MetricEntry
from batchprocess.sdk.user.step_runs import StepRuns

MAX_KEYS = 10_000


class ReportedMetrics:
    """Remembers which steps of a group had a key, over all commits of this attempt.

    Of keys, beyond 10,000, and of steps without any order those that came first are forgotten: a
    repetition of one of them is kept, as one by another attempt is.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], StepRuns] = {}

    def new_entry(self, group: str, steps_completed: int, metrics: dict[str, Any]) -> MetricEntry:
        """A copy of `metrics` that later changes by user code do not reach.

        Raises ValueError for a bad group or a repeated key, TypeError for what is no JSON.
        """
        copied = _checked_metrics(group, steps_completed, metrics)
        seen = {key: self._seen.setdefault((group, key), StepRuns()) for key in copied}
        if repeated := [key for key, steps in seen.items() if steps_completed in steps]:
            raise ValueError(
                f"metric {min(repeated)!r} was reported already for group {group!r}, step "
                f"{steps_completed}"
            )
        for steps in seen.values():
            steps.add(steps_completed)
        for key in list(itertools.islice(self._seen, max(len(self._seen) - MAX_KEYS, 0))):
            del self._seen[key]
        return MetricEntry(group=group, steps_completed=steps_completed, metrics=copied)


def _checked_metrics(group: str, steps_completed: int, metrics: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(group, str) or not group or any(character in group for character in "./\\"):
        raise ValueError(f"metric group {group!r} must be a name without '.' and '/'")
    # The group names a file of the run.
    check_name(f"{group}.jsonl")
    if isinstance(steps_completed, bool) or not isinstance(steps_completed, int):
        raise TypeError(f"steps_completed must be an int, not {steps_completed!r}")
    if not isinstance(metrics, dict) or not all(isinstance(key, str) for key in metrics):
        raise TypeError(f"metrics must be a dict with string keys, not {metrics!r:.100}")
    return {key: _checked_metric(group, key, value) for key, value in metrics.items()}


def _checked_metric(group: str, key: str, value: Any) -> Any:
    try:
        text = json.dumps({key: value}, allow_nan=False, ensure_ascii=False)
        found = json.loads(text, object_pairs_hook=_unique)[key]
        check_readable(found)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"metric {key!r} of group {group!r} is not JSON that can be kept ({error}): give "
            "finite numbers, texts, None, or lists and dicts of them; .item() makes one of a tensor"
        ) from None
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of 1 and "1" would lose one of them."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"two of the keys {[name for name, _ in pairs]!r:.200} are equal as texts")
    return found
