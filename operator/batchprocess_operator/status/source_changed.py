"""That workers of one run were started with different files of its ConfigMap. Pure."""

from collections.abc import Iterator

from batchprocess.protocol.run import SourceChange
from batchprocess_operator.model.conditions import Fact, by_type
from batchprocess_operator.model.job import Job
from batchprocess_operator.model.observed import Observed

_SHOWN = 12
MAX_NAMED = 5


def source_changed(job: Job, observed: Observed) -> list[Fact]:
    """SourceChanged: True from the first such worker on, for as long as the job lives."""
    known = by_type(job.before.conditions).get("SourceChanged")
    message = known.message if known is not None and known.status == "True" else ""
    for change in _reported(observed):
        message = _with(message, change, job)
    return [Fact("SourceChanged", True, "ConfigMapEdited", message)] if message else []


def _reported(observed: Observed) -> Iterator[SourceChange]:
    """In an order that does not change: a message must not either."""
    found = {observed.reported.source}
    ours = {child.uid for child in observed.children}
    for pod in (*observed.gone, *observed.pods):
        if pod.child_uid in ours and pod.termination is not None:
            found.add(pod.termination.source)
    return iter(sorted((one for one in found if one is not None), key=lambda one: one.now))


def _with(message: str, change: SourceChange, job: Job) -> str:
    """The message with one more digest; what was said first stays."""
    now = change.now[:_SHOWN]
    if not message:
        source = job.body.spec.source
        name = "of spec.source" if source is None else repr(source.config_map)
        fail = source is not None and source.on_change == "fail"
        outcome = "ended at once (onChange: fail)" if fail else "made rows that count as well"
        first = change.first[:_SHOWN]
        return (
            f"ConfigMap {name} was changed: the run was begun with files of digest {first}, and "
            f"workers that were started with others {outcome}: {now}"
        )
    if now in message or message.count(", ") >= MAX_NAMED:
        return message
    return f"{message}, {now}"
