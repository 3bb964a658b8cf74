"""What a job's workers are told, and what no run could keep of it."""

import pytest

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.run import Asked


def told_of(**spec: object) -> WorkerEnvironment:
    """What workers hear of a job."""
    job = BatchProcessJob.model_validate(
        {
            "apiVersion": "batchprocess.dev/v1alpha1",
            "kind": "BatchProcessJob",
            "metadata": {"name": "trees"},
            "spec": {"command": ["python"], **spec},
        }
    )
    return worker_environment(job, run_uri="/runs/trees/1", job_id="20300101T000000Z-x")


def told(levels: int) -> WorkerEnvironment:
    """What workers hear of hparams that are nested so deep."""
    tree: object = 1
    for _ in range(levels - 1):
        tree = [tree]
    return told_of(hparams={"tree": tree})


def test_the_finalizer_hears_that_no_log_of_delta_is_wanted() -> None:
    assert WorkerEnvironment.from_env(told_of().to_env()).delta_log
    made = told_of(output={"delta": False})
    assert not WorkerEnvironment.from_env(made.to_env()).delta_log


def test_hparams_as_deep_as_is_allowed_arrive_and_are_kept() -> None:
    made = told(190)
    assert WorkerEnvironment.from_env(made.to_env()).hparams == made.hparams
    assert Asked.of(made).hparams == made.hparams


@pytest.mark.hostile
@pytest.mark.parametrize("levels", [191, 240])
def test_deeper_ones_are_refused_by_name(levels) -> None:
    with pytest.raises(InvalidArgument, match="spec.hparams cannot be kept .* at most 190"):
        told(levels)
