"""Bounds that came later are asked of new jobs, and not of those that are stored."""

from typing import Any

import pytest
from pydantic import ValidationError

from batchprocess.api.job import BatchProcessJob
from batchprocess.api.new_bounds import MAX_ITEMS, MAX_TEXT, MAX_WORD, MAX_WORDS, STORED
from support.job_cases import job, spec, template

pytestmark = pytest.mark.hostile


def init_container(**fields: Any) -> dict[str, Any]:
    return template(initContainers=[{"name": "fetch", "image": "tool:1", **fields}])


def labels(count: int) -> dict[str, str]:
    return {f"key-{number}": "x" for number in range(count)}


EDGES = {
    "a word": (lambda more: init_container(args=["x" * (MAX_WORD + more)]), "args.0"),
    "words": (lambda more: init_container(command=["x"] * (MAX_WORDS + more)), "command"),
    "text handed on": (lambda more: template(hostname="x" * (MAX_TEXT + more)), "hostname has"),
    "a list handed on": (
        lambda more: template(tolerations=[{}] * (MAX_ITEMS + more)),
        "tolerations has",
    ),
    "a map handed on": (
        lambda more: template(nodeSelector=labels(MAX_ITEMS + more)),
        "nodeSelector has",
    ),
}


@pytest.mark.parametrize("edge", EDGES)
def test_a_new_job_may_have_so_much_and_no_more(edge: str) -> None:
    made, says = EDGES[edge]
    BatchProcessJob.model_validate(job(spec(**made(0))))
    with pytest.raises(ValidationError) as caught:
        BatchProcessJob.model_validate(job(spec(**made(1))))
    assert says in str(caught.value)
    assert "may have" in str(caught.value)


@pytest.mark.parametrize("edge", EDGES)
def test_a_stored_job_is_read_with_more(edge: str) -> None:
    made, _ = EDGES[edge]
    BatchProcessJob.model_validate(job(spec(**made(1))), context=STORED)
