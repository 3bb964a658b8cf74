"""What `batchprocess plan` asks of the user's code, and the answer. Nothing is committed by either.

The command starts the job's code once, as the agent would for one shard, with the question in a
variable. `torch_batch_process` answers with the last line on stdout and ends the process.
"""

import json
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from batchprocess.protocol.inputs.summary import InputSummary
from batchprocess.protocol.json_values import Count
from batchprocess.protocol.run import RunInfo
from batchprocess.protocol.variables import PLAN, PLAN_RUN


class DryRunQuestion(BaseModel):
    """How the dataset is cut; `try_batch`: also how long a batch takes.

    run: address of the run whose input is to be compared with what is there now; None: of none.
    compare_only: the input need not be shown.
    """

    model_config = ConfigDict(frozen=True)

    try_batch: bool = False
    run: str | None = None
    compare_only: bool = False

    def to_env(self) -> dict[str, str]:
        """The variables that ask it."""
        compared = {} if self.run is None else {PLAN_RUN: self.run}
        without = "compare" if self.compare_only else "count"
        return {PLAN: "try" if self.try_batch else without, **compared}

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self | None:
        """The question, None if there is none."""
        if PLAN not in environ:
            return None
        asked = environ[PLAN]
        return cls(
            try_batch=asked == "try",
            run=environ.get(PLAN_RUN),
            compare_only=asked == "compare",
        )


class InputChanges(BaseModel):
    """What has become of a run's input since it was listed; `first`: address of one of these."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    added: Count = Field(default=0, description="objects that were not there")
    changed: Count = Field(default=0, description="of another size, or ETag")
    missing: Count = Field(default=0, description="no longer there")
    first: str | None = Field(default=None, description="address of one of them")


class Tried(BaseModel):
    """What was measured beside the time of a batch."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    secondsToBuild: float = Field(description="of the processor, with its model")  # noqa: N815
    bytesPerBatch: float = Field(description="of all files that a commit has")  # noqa: N815
    checkpointInterval: int = Field(description="batches between commits")  # noqa: N815


class DryRunAnswer(BaseModel):
    """Counts as a worker of this job would have them, and `run.json` as it would write it.

    `batches`: of all shards together, `maxBatches` considered. `secondsPerBatch`: of those that
    were tried. `warnings`: a sentence for each thing that looks wrong with the class. `input`: of
    the run that was named, if it has listed this input: then `run` has the fingerprint that an
    attempt of that run would find. `summary`: of what readers of this package have found.
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
    summary: InputSummary | None = None
    tried: Tried | None = None

    def encode(self) -> str:
        """One line, without its end."""
        return json.dumps(self.model_dump(mode="json"))

    @classmethod
    def decode(cls, line: str) -> Self:
        """The answer in one line; ValueError if there is none."""
        return cls.model_validate_json(line)


class DryRunFailure(BaseModel):
    """In place of an answer, from a process that then ends as any that has failed.

    `code`: what a worker would have ended with. `ours`: the sentence says all; of an error of user
    code there is a traceback beside it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    failed: str = Field(description="the sentence")
    code: int = Field(description="see section 15")
    ours: bool

    def encode(self) -> str:
        """One line, without its end."""
        return json.dumps(self.model_dump(mode="json"))

    @classmethod
    def decode(cls, line: str) -> Self | None:
        """The failure in one line; None if it is none."""
        try:
            return cls.model_validate_json(line)
        except ValueError:
            return None
