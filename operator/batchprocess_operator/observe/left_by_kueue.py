"""What Kueue leaves in a Job of ours that it has stopped, and then stumbles over. Pure."""

from collections.abc import Mapping
from typing import Any

from batchprocess_operator.model.names import ANNOTATION_STOPPING, ANNOTATION_WORKLOAD


def names_old_workload(raw: Mapping[str, Any]) -> bool:
    """Whether a stopped Job's pods would be those of another Workload than the one to come.

    Kueue writes the Workload's name into the template when it starts a Job, and takes it out when
    it stops it; but not (0.17) of an elastic Job that has grown, and then cannot start it again.
    """
    notes = raw["metadata"].get("annotations") or {}
    template = (raw["spec"].get("template") or {}).get("metadata") or {}
    stopped = raw["spec"].get("suspend", False) and ANNOTATION_STOPPING not in notes
    return stopped and ANNOTATION_WORKLOAD in (template.get("annotations") or {})
