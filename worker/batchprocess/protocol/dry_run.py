"""What `batchprocess plan` asks of the user's code, and the answer. Nothing is committed by either.

The command starts the job's code once, as the agent would for one shard, with the question in a
variable. `torch_batch_process` answers with the last line on stdout and ends the process.
"""

import json
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.variables import PLAN


class DryRunQuestion(BaseModel):
    """How the dataset is cut; `try_batch`: also how long a batch takes."""

    model_config = ConfigDict(frozen=True)

    try_batch: bool = False

    def to_env(self) -> dict[str, str]:
        """The variable that asks it."""
        return {PLAN: "try" if self.try_batch else "count"}

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self | None:
        """The question, None if there is none."""
        return cls(try_batch=environ[PLAN] == "try") if PLAN in environ else None


class DryRunAnswer(BaseModel):
    """Counts as a worker of this job would have them, and `run.json` as it would write it.

    `batches`: of all shards together, `maxBatches` considered. `secondsPerBatch`: of those that
    were tried. `warnings`: a sentence for each thing that looks wrong with the class.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    batches: int
    shards: int
    batchSize: int  # noqa: N815  the spelling on the wire
    secondsPerBatch: float | None  # noqa: N815
    run: RunInfo
    warnings: tuple[str, ...]

    def encode(self) -> str:
        """One line, without its end."""
        return json.dumps(self.model_dump(mode="json"))

    @classmethod
    def decode(cls, line: str) -> Self:
        """The answer in one line; ValueError if there is none."""
        return cls.model_validate_json(line)
