"""Which spelling a run's Jobs have: the one that it was begun with."""

from datetime import timedelta
from typing import Any

from batchprocess_operator.model.plan import CreateJob, Plan
from batchprocess_operator.observe.read_children import child_of
from support.operator.fake_expansion import started
from support.operator.manifests import container_of
from support.operator.objects import (
    FINALIZER,
    NOW,
    after,
    child,
    condition,
    job,
    plan,
    stamp,
)

DOLLARS: dict[str, Any] = {"hparams": {"price": "$$5"}}
DONE = {"succeeded": 4, "conditions": [condition("Complete")]}
FAILED = {"failedIndexes": "1", "conditions": [condition("Failed", "FailedIndexes", "x")]}


def hparams(planned: Plan) -> str:
    (made,) = [one for one in planned.actions if isinstance(one, CreateJob)]
    return started(container_of(dict(made.manifest)))[1]["BATCHPROCESS_HPARAMS"]


def made_child(planned: Plan, **status: Any):
    """As the API server has it once it was created."""
    (made,) = [one for one in planned.actions if isinstance(one, CreateJob)]
    meta = {**made.manifest["metadata"], "uid": f"uid-{made.name}", "resourceVersion": "1"}
    raw = {**made.manifest, "metadata": meta | {"creationTimestamp": stamp()}, "status": status}
    return child_of(raw)


class TestSpellingOfRun:
    def test_a_new_run_is_told_the_text_of_the_job(self) -> None:
        assert hparams(plan(job(**DOLLARS))) == '{"price": "$$5"}'

    def test_it_stays_so_in_a_retry_after_its_jobs_are_gone(self) -> None:
        one = job({"state": "Pending"}, **DOLLARS)
        first = made_child(plan(one), **FAILED)
        failed = plan(one, [first])
        assert failed.status.literal is True
        again = after(one, failed, retry=1)
        assert hparams(plan(again, [first])) == '{"price": "$$5"}'
        assert hparams(plan(again)) == '{"price": "$$5"}'

    def test_a_run_begun_before_goes_on_as_it_was_begun(self) -> None:
        one = job({"state": "Running", "startTime": f"{NOW - timedelta(1):%FT%TZ}"}, **DOLLARS)
        failed = plan(one, [child(status=FAILED)])
        assert failed.status.literal is None
        again = after(one, failed, retry=1)
        assert hparams(plan(again, [child(status=FAILED)])) == '{"price": "$5"}'
        assert hparams(plan(again)) == '{"price": "$5"}'
        assert hparams(plan(one, [child(status=DONE)])) == '{"price": "$5"}'

    def test_a_job_that_was_kept_waiting_has_not_begun(self) -> None:
        assert hparams(plan(job({"state": "Pending"}, **DOLLARS))) == '{"price": "$$5"}'

    def test_a_finalizer_made_again_is_told_the_same(self) -> None:
        one = job({"state": "Pending"}, **DOLLARS)
        first = made_child(plan(one), **DONE)
        finalizing = plan(one, [first])
        assert hparams(finalizing) == '{"price": "$$5"}'
        assert hparams(plan(after(one, finalizing))) == '{"price": "$$5"}'

    def test_without_any_dollar_nothing_is_said_of_it(self) -> None:
        one = job({"state": "Pending"})
        planned = plan(one, [made_child(plan(one), **DONE)])
        assert planned.status.literal is None
        (made,) = [one for one in planned.actions if isinstance(one, CreateJob)]
        assert made.name == FINALIZER
        assert "batchprocess.dev/literal" not in made.manifest["metadata"]["annotations"]
