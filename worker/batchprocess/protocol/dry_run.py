"""What `batchprocess plan` asks of the user's code, and the answer. Nothing is committed by either.

The command starts the job's code once, as the agent would for one shard, with the question in a
variable. `torch_batch_process` answers with the last line on stdout and ends the process.
"""

import json
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.json_values import Count
from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.variables import PLAN, PLAN_RUN


class DryRunQuestion(BaseModel):
    """How the dataset is cut; `try_batch`: also how long a batch takes.

    run: address of the run whose input is to be compared with what is there now; None: of none.
    """

    model_config = ConfigDict(frozen=True)

    try_batch: bool = False
    run: str | None = None

    def to_env(self) -> dict[str, str]:
        """The variables that ask it."""
        compared = {} if self.run is None else {PLAN_RUN: self.run}
        return {PLAN: "try" if self.try_batch else "count", **compared}

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self | None:
        """The question, None if there is none."""
        if PLAN not in environ:
            return None
        return cls(try_batch=environ[PLAN] == "try", run=environ.get(PLAN_RUN))


class InputChanges(BaseModel):
    """What has become of a run's input since it was listed; `first`: address of one of these."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    added: Count = Field(default=0, description="objects that were not there")
    changed: Count = Field(default=0, description="of another size, or ETag")
    missing: Count = Field(default=0, description="no longer there")
    first: str | None = Field(default=None, description="address of one of them")


class DryRunAnswer(BaseModel):
    """Counts as a worker of this job would have them, and `run.json` as it would write it.

    `batches`: of all shards together, `maxBatches` considered. `secondsPerBatch`: of those that
    were tried. `warnings`: a sentence for each thing that looks wrong with the class. `input`: of
    the run that was named, if it has listed this input: then `run` has the fingerprint that an
    attempt of that run would find.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rows: int
    batches: int
    shards: int
    batchSize: int  # noqa: N815  the spelling on the wire
    secondsPerBatch: float | None  # noqa: N815
    run: RunInfo
    warnings: tuple[str, ...]
    input: InputChanges | None = None

    def encode(self) -> str:
        """One line, without its end."""
        return json.dumps(self.model_dump(mode="json"))

    @classmethod
    def decode(cls, line: str) -> Self:
        """The answer in one line; ValueError if there is none."""
        return cls.model_validate_json(line)
