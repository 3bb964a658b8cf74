"""What a worker pod is told, in environment variables.

Written by the operator, or by `batchprocess run`; read by the agent (index, several shards) and,
with `shard` set by the agent, by the SDK in each child.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from batchprocess.protocol.bad_rows.limit import BadRowLimit
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.json_values import Count
from batchprocess.protocol.rows.settings import RowSettings
from batchprocess.protocol.variables import PREFIX, RUN_URI

WITH_ROWS: Literal[2] = 2
"""`protocol` where the job wants some rows only: older workers refuse it, for they would process
all."""


class S3Settings(BaseModel):
    """How to reach an S3-compatible store; credentials come the usual AWS way.

    An unknown one is refused, for what it asks for (encryption, another identity) must not be left
    out; so a writer leaves out what is not asked for, and older workers still start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str | None = None
    region: str | None = None
    addressing: Literal["auto", "path", "virtual"] = "auto"
    checksums: Literal["whenRequired", "always"] | None = None
    ca_bundle: str | None = Field(default=None, description="path of a PEM file")
    profile: str | None = None


class InputSettings(BaseModel):
    """The files that are the dataset, where the job names them itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str = Field(description="path, folder, glob, s3:// address, or @ and a file of such")
    format: Literal["text", "jsonl", "csv", "tsv", "parquet", "tar", "files"] | None = Field(
        default=None, description="null: by the suffix"
    )
    columns: tuple[str, ...] | None = Field(default=None, description="null: all")
    id: str | None = Field(default=None, description="column of ids; null: `key:number`")
    new_since: str | None = Field(default=None, description="a run whose files are left out")


class WorkerEnvironment(BaseModel):
    """One worker's settings. `to_env` and `from_env` are inverse of each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Literal[1, 2] = Field(default=1, description="2 where there are `rows`")
    role: Literal["worker", "finalize"] = "worker"
    job: str = Field(description="<creation time>-<uid>: compares by age")
    job_name: str
    run_uri: str = Field(description="<uri>/<job name>/<run id>")
    shards: int = Field(ge=1)
    index: int = Field(default=0, ge=0, description="completion index; the agent's")
    shard: int | None = Field(default=None, description="the child's shard; set by the agent")
    shard_list: tuple[int, ...] | None = Field(default=None, description="unsealed shards: retry")
    failed_shards: tuple[int, ...] | None = Field(
        default=None, description="which the finalizer may close as failed; None: any"
    )
    retry: int = 0
    node: str | None = Field(default=None, description="where the pod runs; None: one machine")
    processes_per_worker: int = Field(default=1, ge=1, le=16)
    gpus: int = Field(default=0, ge=0)
    batch_size: int | None = Field(default=None, ge=1)
    checkpoint_interval: int | None = Field(default=None, ge=1)
    checkpoint_seconds: float | None = None
    max_batches: int | None = None
    max_in_flight: int | None = Field(default=None, ge=1)
    processor: str | None = None
    dataset: str | None = None
    input: InputSettings | None = Field(default=None, description="in place of a dataset")
    rows: RowSettings | None = Field(default=None, description="null: all of the dataset")
    command: str | None = Field(default=None, description="sha256 of the job's, as a JSON list")
    dataloader: dict[str, Any] = {}
    hparams: dict[str, Any] = {}
    seed: Count | None = None
    s3: S3Settings = S3Settings()
    delta_log: bool = Field(default=True, description="of Parquet tables; the finalizer's")
    on_bad_row: Literal["fail", "skip"] = "fail"
    max_bad_rows: str | None = Field(default=None, description="a number, or a percentage")
    storage_deadline_seconds: float = 600
    max_attempts_without_progress: int | None = 30
    max_retries_per_shard: int = 3
    max_failed_shards: int | None = None
    start_seconds: float = 900
    stall_seconds: float = 600
    grace_seconds: float = 60
    profile: bool = False
    compile_cache: bool = True
    source_folder: str | None = Field(default=None, description="of spec.source; None without it")
    source_on_change: Literal["tell", "fail"] = "tell"
    source_digest: str | None = Field(default=None, description="of its files; set by the agent")
    termination_log: str | None = None
    progress_fd: int | None = Field(default=None, description="local runner: reports as lines")
    progress_url: str | None = Field(
        default=None, description="https:// of the operator's endpoint"
    )
    progress_ca: str | None = Field(default=None, description="PEM, inline: the one CA to trust")
    progress_token_file: str | None = Field(default=None, description="read anew for each report")

    def to_env(self) -> dict[str, str]:
        """Environment variables; text as it is, everything else as JSON."""
        values = self.model_dump(mode="json")
        values["s3"] = self.s3.model_dump(mode="json", exclude_defaults=True)
        if self.input is not None and self.input.new_since is None:
            # An older worker refuses it, as it must, where it is asked for.
            del values["input"]["new_since"]
        return {
            PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
            for name, value in values.items()
            # An absent variable means the default, so null is said only where it is not that.
            if value is not None or type(self).model_fields[name].default is not None
        }

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read and check all variables; an error names the variable, its value, the remedy."""
        text = {"role", "job", "job_name", "run_uri", "processor", "dataset", "command"}
        text |= {"on_bad_row", "max_bad_rows", "source_folder", "source_on_change", "source_digest"}
        text |= {"node", "termination_log", "progress_url", "progress_ca", "progress_token_file"}
        values: dict[str, Any] = {}
        for name in cls.model_fields:
            raw = environ.get(PREFIX + name.upper())
            if raw is not None:
                values[name] = raw if name in text else _json(name, raw)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            if first["type"] == "extra_forbidden":
                variable, setting = (str(part) for part in first["loc"])
                raise InvalidArgument(
                    f"environment variable {PREFIX}{variable.upper()}: this worker does not know "
                    f"the setting {setting!r} (found {first['input']!r:.100}), and must not do "
                    "without it: use an image of the same batchprocess version as the operator's"
                ) from error
            variable = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise InvalidArgument(
                f"environment variable {variable}: {first['msg']} (found {first['input']!r:.100})"
            ) from error

    @property
    def todo(self) -> tuple[int, ...]:
        """The shards that this job works on."""
        return self.shard_list if self.shard_list is not None else tuple(range(self.shards))

    @property
    def workers(self) -> int:
        """Pods that this takes, if each is started once."""
        return -(-len(self.todo) // self.processes_per_worker)

    def bad_rows_allowed(self, rows: int) -> BadRowLimit:
        """In a run of `rows` rows. Raises InvalidArgument if `max_bad_rows` is none."""
        return BadRowLimit.of(self.on_bad_row, self.max_bad_rows, rows)

    def shards_of_worker(self, index: int | None = None) -> tuple[int, ...]:
        """The shards of one pod (of ours): `processes_per_worker` consecutive ones of the list."""
        first = (self.index if index is None else index) * self.processes_per_worker
        return self.todo[first : first + self.processes_per_worker]


def _json(name: str, raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise InvalidArgument(
            f"environment variable {PREFIX}{name.upper()} must be JSON, found {raw!r:.100}"
        ) from error


def is_worker(environ: Mapping[str, str]) -> bool:
    """Whether we run under an agent (or a test that plays one) rather than as a script alone."""
    return RUN_URI in environ
