"""The schema for editors knows the fields of a job, and nothing that is not there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchprocess.api.environment import MAX_HPARAMS, worker_environment
from batchprocess.api.job import BatchProcessJob, Spec
from batchprocess.api.schema.editor import editor_schema
from batchprocess.protocol.errors import InvalidArgument
from support.job_cases import job, spec

EXAMPLE = Path(__file__).parents[3] / "examples" / "digits" / "job.yaml"


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item)


def test_every_reference_leads_somewhere_and_every_definition_is_used():
    schema = editor_schema()
    used = {one["$ref"].rpartition("/")[2] for one in nodes(schema) if "$ref" in one}
    assert used == set(schema["$defs"])


def test_what_only_kubernetes_reads_is_left_out():
    assert not [key for one in nodes(editor_schema()) for key in one if key.startswith("x-")]
    assert json.loads(json.dumps(editor_schema())) == editor_schema()


def test_every_field_of_a_spec_is_described_and_no_other_is_allowed():
    found = editor_schema()["$defs"]["Spec"]
    assert set(found["properties"]) == {field.alias for field in Spec.model_fields.values()}
    assert all(field["description"] for field in found["properties"].values())
    assert found["additionalProperties"] is False
    assert "image" not in found.get("required", ())


def test_the_example_has_fields_of_the_schema():
    example = yaml.safe_load(EXAMPLE.read_text())
    assert example["spec"].keys() <= editor_schema()["$defs"]["Spec"]["properties"].keys()


def test_hparams_that_no_process_could_be_started_with_are_refused():
    read = BatchProcessJob.model_validate(job(spec(hparams={"text": "x" * MAX_HPARAMS})))
    with pytest.raises(InvalidArgument, match=r"spec\.hparams has 102412 bytes as JSON"):
        worker_environment(read, run_uri="s3://b/digits/1", job_id="20300101T000000Z-x")
