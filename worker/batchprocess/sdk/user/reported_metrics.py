"""What `report_metrics` takes: JSON values under keys that do not repeat."""

import json
from typing import Any

from batchprocess.protocol.file_names import check_name
from batchprocess.protocol.json_values import check_readable
from batchprocess.protocol.records import MetricEntry


class ReportedMetrics:
    """Remembers the keys of every group and step, over all commits of this attempt."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], set[str]] = {}

    def new_entry(self, group: str, steps_completed: int, metrics: dict[str, Any]) -> MetricEntry:
        """A copy of `metrics` that later changes by user code do not reach.

        Raises ValueError for a bad group or a repeated key, TypeError for what is no JSON.
        """
        copied = _checked_metrics(group, steps_completed, metrics)
        seen = self._seen.setdefault((group, steps_completed), set())
        if repeated := seen & metrics.keys():
            raise ValueError(
                f"metric {min(repeated)!r} was reported already for group {group!r}, step "
                f"{steps_completed}"
            )
        seen.update(metrics)
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
        found = json.loads(text)[key]
        check_readable(found)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"metric {key!r} of group {group!r} is not JSON that can be kept ({error}): give "
            "numbers, texts, or lists and dicts of them; .item() makes one of a tensor"
        ) from None
    return found
