"""The error tree. Every error that ends an attempt is one of these and carries its exit code.

    BatchProcessError                 1
    ├── InvalidArgument (ValueError)  91   a call or job that can never work
    │   └── WrongType (TypeError)     91   ... for a dataset of the wrong kind
    ├── RunMismatch                   91   batch size, hparams, ... differ from run.json
    │   ├── DatasetChanged             1   rows or fingerprint differ: another node may see it right
    │   └── SourceChanged              1   the source is another, and the job asked for the same
    ├── InputChanged                   1   a file or object is not what was listed
    ├── UnsafeStorage                 91   the store lets two creates win
    ├── StorageError                  88
    │   ├── OutcomeUnknown                 a write may or may not have happened
    │   ├── StorageUnavailable             transient, and the deadline has passed
    │   ├── StorageDenied                  401/403, missing bucket: a person must act
    │   └── StorageFull
    ├── Stopped                       85
    ├── FileChanged                   90   somebody writes to an output that was handed over
    ├── SchemaDiffers (TypeError)     90   rows have other types than their table has in this run
    ├── Fenced                        87   a newer claim owns the shard
    │   └── TakenOver                 91   ... and it belongs to a younger job
    ├── EndedByUserCode               90   sys.exit() and the like before the seal
    ├── BatchRaised                   90   a batch whose rows other processes have tried alone
    ├── NoProgress                    92
    ├── ShardSealed                    0   complete already: nothing is left to do
    ├── ShardClosed                   94   closed by an abandoned seal
    ├── TooManyBadRows                95   more rows were left out than the job allows
    └── VerificationError             93   ledger or file missing, or manifest differs

Adapters translate foreign errors (botocore, OSError) into this tree at their own edge; nobody
else catches foreign errors by name.
"""

from typing import ClassVar

from batchprocess.protocol.exit_codes import ExitCode


class BatchProcessError(Exception):
    """Base of all our errors; `str()` is one sentence that a person can act on."""

    exit_code: ClassVar[ExitCode] = ExitCode.OTHER


class InvalidArgument(BatchProcessError, ValueError):
    """A call, job or environment that can never work; names the field, the value, the remedy."""

    exit_code = ExitCode.CANNOT_WORK


class WrongType(InvalidArgument, TypeError):
    """A dataset that is none, or cannot be read row by row; names its kind and what is needed."""


class RunMismatch(BatchProcessError):
    """This attempt would cut the dataset otherwise than the run did, or process it otherwise."""

    exit_code = ExitCode.CANNOT_WORK


class DatasetChanged(RunMismatch):
    """Row count or fingerprint differ from run.json; a retry on another node may be right."""

    exit_code = ExitCode.OTHER


class SourceChanged(RunMismatch):
    """`spec.source` is not what the run was begun with; it may be put back before the next try."""

    exit_code = ExitCode.OTHER


class InputChanged(BatchProcessError):
    """An input file or object is gone, or is not what it was when it was listed."""


class UnsafeStorage(BatchProcessError):
    """The probe saw two creates of one key win, or a store that ignores the condition."""

    exit_code = ExitCode.CANNOT_WORK


class StorageError(BatchProcessError):
    """Storage did not do what was asked."""

    exit_code = ExitCode.STORAGE


class OutcomeUnknown(StorageError):
    """A time-out, reset or 5xx: the request may have been applied, or may be later."""


class StorageUnavailable(StorageError):
    """Transient failures went on past the deadline."""


class StorageDenied(StorageError):
    """Refused (401/403), or the bucket is missing: retrying alone will not help."""


class StorageFull(StorageError):
    """No space left or quota reached."""


class Stopped(BatchProcessError):
    """A stop was requested (SIGTERM, suspend, Ctrl-C)."""

    exit_code = ExitCode.STOPPED


class FileChanged(BatchProcessError):
    """An output file is not what it was when it was handed over; no record may name it."""

    exit_code = ExitCode.USER_CODE


class SchemaDiffers(BatchProcessError, TypeError):
    """A column's type is not the one that its table has in this run, or is not known at all."""

    exit_code = ExitCode.USER_CODE


class Fenced(BatchProcessError):
    """Another attempt's record stands where ours should: it owns the shard now."""

    exit_code = ExitCode.FENCED


class TakenOver(Fenced):
    """The newer claim belongs to a younger job; the older job gives way for good."""

    exit_code = ExitCode.CANNOT_WORK


class EndedByUserCode(BatchProcessError):
    """User code raised what would end the process without an error: `sys.exit()` and the like."""

    exit_code = ExitCode.USER_CODE


class BatchRaised(BatchProcessError):
    """`process_batch` has raised in a process before, and this one was to find the bad rows."""

    exit_code = ExitCode.USER_CODE


class NoProgress(BatchProcessError):
    """Too many claims in a row without a commit."""

    exit_code = ExitCode.NO_PROGRESS


class ShardClosed(BatchProcessError):
    """The shard was closed as failed; only another run can do its remaining batches."""

    exit_code = ExitCode.CLOSED


class TooManyBadRows(BatchProcessError):
    """More rows were left out than `failurePolicy.maxBadRows` allows; what is committed stays."""

    exit_code = ExitCode.TOO_MANY_BAD_ROWS


class VerificationError(BatchProcessError):
    """The ledger contradicts itself, a named file is missing, or the manifest differs."""

    exit_code = ExitCode.VERIFICATION


class ShardSealed(BatchProcessError):
    """The shard is complete, sealed by this or another attempt: nothing is left to do."""

    exit_code = ExitCode.SEALED
