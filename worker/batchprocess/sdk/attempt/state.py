"""What others read while an attempt goes on: the agent, the beat thread, error reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from batchprocess.sdk.report.agent_link import AgentLink, LoopState
from batchprocess.sdk.report.error_report import Where


@dataclass(frozen=True)
class AttemptState:
    """Made before anything can fail, so that every failure can be reported."""

    link: AgentLink
    loop: LoopState
    where: Where

    @classmethod
    def begin(cls, environ: Mapping[str, str]) -> Self:
        """Greet the agent named in the environment; the shard is not known yet."""
        loop = LoopState()
        return cls(AgentLink.open(loop, environ), loop, Where(shard=0))

    @classmethod
    def unreported(cls, loop: LoopState, where: Where | None = None) -> Self:
        """Of a loop that no agent follows."""
        return cls(AgentLink(loop, None), loop, where or Where(loop.shard))
