"""On specs made by chance: models and API server agree, a refusal names its field, and what is
accepted gives Jobs that are accepted."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from pydantic import ValidationError

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from batchprocess_operator.model.report_address import ReportAddress
from batchprocess_operator.observe.read_job import read_job
from support.job_cases import CASES, job
from support.job_specs import Made, specs
from support.kube.job_server import JobServer, Refused

pytestmark = pytest.mark.slow

ON_CLUSTERS_ONLY = tuple(case.says for case in CASES if case.cluster_only)


def _environment(stored: dict[str, Any]) -> None:
    read = BatchProcessJob.model_validate(stored)
    made = worker_environment(read, run_uri="s3://b/digits/1", job_id="20300101T000000Z-x")
    assert type(made).from_env(made.to_env()) == made


def _children(stored: dict[str, Any]) -> list[dict[str, Any]]:
    """What the operator makes of a job: workers, some of them once more, finalizer."""
    read = read_job(stored, ReportAddress("https://operator.svc:8443", "a CA"))
    job, identity, address = read.body, read.identity, read.report_address
    again = frozenset(range(0, job.spec.shards, 2))
    return [
        worker_job(job, identity, address),
        worker_job(job, identity, address, again),
        finalizer_job(job, identity),
    ]


def check(server: JobServer, made: Made) -> None:
    wrong = _refusal_of_the_models(made.spec)
    try:
        stored = server.create(made.spec, dry=True)
    except Refused as refused:
        event("refused")
        _check_refusal(refused, made, known_to_models=wrong is not None)
        return
    event("accepted")
    assert wrong is None, f"the models refuse what the server accepts: {wrong}"
    _environment(stored)
    # Kubernetes' own fields in a broken spec may be nonsense: building is all that must go well.
    for child in _children(stored):
        if made.whole:
            server.would_take(child)


def _check_refusal(refused: Refused, made: Made, *, known_to_models: bool) -> None:
    assert not made.whole, refused.message
    assert refused.code in (400, 422)
    named = any(one == "spec" or one.startswith("spec.") for one in refused.fields)
    assert named or 'unknown field "spec.' in refused.message, refused.message
    if not known_to_models:
        assert any(says in refused.message for says in ON_CLUSTERS_ONLY), refused.message


def _refusal_of_the_models(spec: Any) -> ValidationError | None:
    try:
        BatchProcessJob.model_validate(job(spec))
    except ValidationError as error:
        return error
    return None


_SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


@settings(_SETTINGS, max_examples=500, derandomize=True)
@given(made=specs())
def test_models_and_server_agree_on_500_specs(session_server: JobServer, made: Made):
    check(session_server, made)


@pytest.mark.full
@settings(_SETTINGS, max_examples=50_000)
@given(made=specs())
def test_models_and_server_agree_on_50_000_specs(session_server: JobServer, made: Made):
    check(session_server, made)
