"""The run folder's other documents: run.json, manifest.jsonl, summary.json, _SUCCESS."""

from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.json_values import Count, PositiveCount, Sha256
from batchprocess.protocol.records import Span
from batchprocess.protocol.sharding import ShardPlan

RUN_KEY = "run.json"
MANIFEST_KEY = "manifest.jsonl"
SUMMARY_KEY = "summary.json"
SUCCESS_KEY = "_SUCCESS"

D = TypeVar("D", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RunShape(_Model):
    """How the run's dataset is cut, told by a worker that has counted it.

    `batches`: what all shards have to do together, `maxBatches` considered.
    """

    rows: PositiveCount
    batch_size: PositiveCount
    batches: Count

    @classmethod
    def of(cls, plan: ShardPlan) -> Self:
        """As a worker tells it."""
        batches = sum(plan.size(shard) for shard in range(plan.shards))
        return cls(rows=plan.rows, batch_size=plan.batch_size, batches=batches)


class SourceChange(_Model):
    """An attempt was started with another source than its run: digests of the files of both."""

    first: Sha256
    now: Sha256


class AskedRows(_Model):
    """Which rows of the dataset: see `RowSettings`."""

    bad_rows_of: str | None = None
    skip: tuple[Count, ...] = ()


class ListedRows(_Model):
    """A run over some rows of the dataset: those that the run `bad_rows_of` has left out.

    `dataset_rows`: of the whole dataset. `sha256`: of the list, in hex; also in its key.
    """

    bad_rows_of: str
    dataset_rows: PositiveCount
    sha256: Sha256


class Asked(_Model):
    """What the job said, before the script had its say; null where it said nothing.

    `command` is a digest, for its arguments may hold secrets.
    """

    batch_size: int | None = None
    max_batches: int | None = None
    shards: int
    processor: str | None = None
    dataset: str | None = None
    hparams: dict[str, Any] = {}
    seed: int | None = None
    command: str | None = None
    rows: AskedRows | None = None

    @classmethod
    def of(cls, environment: WorkerEnvironment) -> Self:
        """As a worker of the job is told it."""
        told = environment.model_dump(mode="json", include=set(cls.model_fields))
        # JSON has no NaN and no tuples: what is asked must equal what was kept of it.
        return cls.model_validate_json(cls.model_validate(told).model_dump_json())


class Seeds(_Model):
    """Of one stream of random numbers, a seed for each library's global generator."""

    torch: Count
    numpy: Count
    random: Count


class RunSeeds(_Model):
    """Of a run: `loader` for what reads items, `loop` for the processor."""

    loader: Seeds
    loop: Seeds


LAYOUT: Literal[2] = 2
"""Of runs that are begun now: files of `save` have a folder for each name, outside `data/`."""
REFUSED_BY_OLDER: dict[str, str | int] = {"layout 2, which needs a newer batchprocess": LAYOUT}
"""In `versions` of such a run: older versions know no layout and would write elsewhere, but they
refuse a version that is no text, and say its name."""
FingerprintOf = Literal["attribute", "huggingface", "rows"]


class RunInfo(_Model):
    """run.json: how the dataset is cut and processed, written once before the first claim.

    `asked`, `seeds`, `fingerprint_of` and `rows_digest` are None in runs that were begun before
    they were kept. `rows_digest` goes with a fingerprint that may differ for equal data. `code` is
    a digest of the job's own modules, `source` one of what stood in the folder of `spec.source`.
    `layout` 1, that of runs from before it was written: files of `save` are below `data/`, too.
    `listed`: only these rows of the dataset are the run's, None if all are.
    """

    rows: int
    batch_size: int
    batches: int
    shards: int
    max_batches: int | None = None
    processor: str
    fingerprint: str | None = None
    fingerprint_of: FingerprintOf | None = None
    rows_digest: str | None = None
    seeds: RunSeeds | None = None
    asked: Asked | None = None
    code: str | None = None
    source: Sha256 | None = None
    layout: Literal[1, 2] = 1
    listed: ListedRows | None = None
    versions: dict[str, str | int] = {}

    @property
    def has_schemas(self) -> bool:
        """Whether a table's files all have one schema; before, each has that of its own rows."""
        return self.layout == LAYOUT


class ManifestRow(_Model):
    """One committed file. `batches` is shard-local, `rows` the run's, `key` run-relative."""

    shard: int
    seq: int
    batches: Span
    rows: Span
    name: str
    key: str
    size: int
    sha256: str


class Summary(_Model):
    """summary.json. Times are information only: they come from several machines' clocks."""

    runId: str  # noqa: N815  the stored spelling
    job: str
    rows: int
    batches: int
    shards: int
    failedShards: tuple[int, ...]  # noqa: N815
    files: int
    bytes: int
    attempts: int
    startedAt: str | None  # noqa: N815
    finishedAt: str  # noqa: N815
    durationSeconds: float | None  # noqa: N815
    metrics: dict[str, Any]
    metricsError: str | None = None  # noqa: N815
    models: tuple[dict[str, Any], ...] = ()
    badRows: int = 0  # noqa: N815
    skippedRows: int = 0  # noqa: N815
    badRowsOf: str | None = None  # noqa: N815
    withoutDeltaLog: dict[str, str] = {}  # noqa: N815


class Success(_Model):
    """_SUCCESS: the run is final; `manifest` is the sha256 of manifest.jsonl."""

    manifest: str


def encode_document(document: BaseModel, key: str) -> bytes:
    """What is to stand at `key`; InvalidArgument if nobody could read it there."""
    try:
        body = document.model_dump_json(indent=1).encode()
        parse_document(type(document), key, body)
    except (ValueError, VerificationError) as error:
        raise InvalidArgument(
            f"{key} would be unreadable: {str(error).splitlines()[0]}; give hparams and metrics "
            "that are JSON, nested less"
        ) from error
    return body


def parse_document(model: type[D], key: str, body: bytes) -> D:
    """What stands at `key`; VerificationError names the field if it is not a `model`."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise VerificationError(
            f"{key} cannot be read: {field + ': ' if field else ''}{first['msg']}"
        ) from error


def parse_time(text: str) -> datetime | None:
    """The moment that `text` names, in UTC if it names no offset; None if it names none.

    Never an error: nothing but a number for a person depends on it.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
