"""Telling an attempt that was started with another source than its run, or ending it."""

from batchprocess.protocol.control import OtherSource
from batchprocess.protocol.errors import SourceChanged
from batchprocess.protocol.run import RunInfo, SourceChange
from batchprocess.sdk.report.agent_link import AgentLink
from batchprocess.sdk.report.standalone_log import warn_that_sources_differ
from batchprocess.sdk.setup.placement import Placement

_SHOWN = 12


def check_source(placement: Placement, run: RunInfo, link: AgentLink) -> None:
    """Tell the agent if ours is not the run's; SourceChanged if the job wants none but that."""
    job = placement.environment
    change = source_change(job.source_digest, run.source)
    if change is None:
        return
    link.send(OtherSource(change=change))
    if job.source_on_change == "fail":
        raise unwanted(change, placement.how_to_start_another)
    warn_that_sources_differ(placement.shard, change)


def source_change(mine: str | None, first: str | None) -> SourceChange | None:
    """What has changed; None if nothing has, or one of the two is not known.

    `mine`: digest of what the attempt was started with. `first`: that of run.json.
    """
    if mine is None or first is None or mine == first:
        return None
    return SourceChange(first=first, now=mine)


def unwanted(change: SourceChange, another: str) -> SourceChanged:
    """For who asked for one source: rows by two would be the result of neither."""
    return SourceChanged(
        f"the ConfigMap of spec.source was changed: its files have the digest "
        f"{change.now[:_SHOWN]}, and the run was begun with {change.first[:_SHOWN]}, which "
        "onChange: fail asks for; put it back as it was and raise spec.retry, or start another "
        f"run ({another})"
    )
