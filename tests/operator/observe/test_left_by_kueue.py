"""A Job that Kueue has stopped and cannot start again. Pure."""

from typing import Any

import pytest

from batchprocess_operator.observe.left_by_kueue import names_old_workload

WORKLOAD, STOPPING = "kueue.x-k8s.io/workload", "kueue.x-k8s.io/stopping"


def job(notes: object = None, template: object = None, **spec: Any) -> dict[str, Any]:
    made = {"template": {"metadata": {"annotations": template}}}
    return {"metadata": {"annotations": notes}, "spec": made | spec}


def test_a_stopped_job_that_names_a_workload_is_found() -> None:
    assert names_old_workload(job(template={WORKLOAD: "job-1"}, suspend=True))


@pytest.mark.parametrize(
    "other",
    [
        job(template={WORKLOAD: "job-1"}, suspend=False),
        job(template={WORKLOAD: "job-1"}),
        job(template={"other": "1"}, suspend=True),
        job(suspend=True),
        job({STOPPING: "true"}, {WORKLOAD: "job-1"}, suspend=True),
        {"metadata": {}, "spec": {"suspend": True}},
    ],
    ids=["runs", "not said", "another", "none", "being stopped", "empty"],
)
def test_nothing_else_is(other: dict[str, Any]) -> None:
    assert not names_old_workload(other)
