"""The exit code of every kind of error at every stage."""

from typing import get_args

import pytest
import torch

from batchprocess.protocol import errors
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.sdk.report.error_report import Where, exit_code_of
from batchprocess.sdk.report.stages import MEANINGS, Stage

FOREIGN = {
    "the dataset": (91, 1, 91, 1),
    "__init__": (91, 1, 91, 1),
    "start": (1, 1, 1, 1),
    "on_start": (91, 1, 91, 1),
    "reading a batch": (90, 90, 1, 1),
    "process_batch": (90, 90, 1, 1),
    "on_checkpoint_start": (90, 90, 1, 1),
    "on_finish": (90, 90, 1, 1),
    "commit": (90, 90, 1, 1),
    "reduce": (1, 1, 1, 1),
}
"""Of an error of user code, before any attempt has begun and after; the same of the machine's."""

OURS = {
    errors.BatchProcessError: (1, 1),
    errors.RunMismatch: (91, 91),
    errors.DatasetChanged: (1, 1),
    errors.UnsafeStorage: (91, 91),
    errors.StorageError: (88, 88),
    errors.OutcomeUnknown: (88, 88),
    errors.StorageUnavailable: (88, 88),
    errors.StorageDenied: (91, 88),
    errors.StorageFull: (88, 88),
    errors.Fenced: (87, 87),
    errors.TakenOver: (91, 91),
    errors.NoProgress: (92, 92),
    errors.ShardClosed: (94, 94),
    errors.VerificationError: (93, 93),
}
"""Before any attempt has begun and after, at every stage."""

MACHINE = (OSError("no space"), MemoryError(), torch.OutOfMemoryError("CUDA out of memory"))


def codes(stage: Stage, error: BaseException) -> tuple[int, int]:
    return (
        exit_code_of(error, Where(0, stage, run_exists=False)),
        exit_code_of(error, Where(0, stage, run_exists=True)),
    )


def test_every_stage_is_in_the_table() -> None:
    assert FOREIGN.keys() == MEANINGS.keys() == set(get_args(Stage))


@pytest.mark.parametrize("stage", FOREIGN)
def test_an_error_that_is_none_of_ours_means_what_its_stage_says(stage: Stage) -> None:
    assert codes(stage, ValueError("broken")) == FOREIGN[stage][:2]
    for error in MACHINE:
        assert codes(stage, error) == FOREIGN[stage][2:]


@pytest.mark.parametrize("stage", FOREIGN)
def test_an_error_of_ours_means_the_same_everywhere(stage: Stage) -> None:
    for kind, expected in OURS.items():
        assert codes(stage, kind("x")) == expected, kind


@pytest.mark.parametrize("stage", FOREIGN)
@pytest.mark.parametrize("kind", [errors.InvalidArgument, errors.WrongType])
def test_an_argument_is_wrong_for_good_only_while_no_attempt_has_begun(
    stage: Stage, kind: type[BatchProcessError]
) -> None:
    built = stage in ("the dataset", "__init__", "on_start")
    assert codes(stage, kind("x")) == (91, 1 if built else 91)
