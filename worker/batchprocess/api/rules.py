"""Rules across the fields of a job, and those about its changes.

That a field may not be changed at all is no rule here: `immutability.py` makes one for each field
that is not marked as mutable.
"""

from collections.abc import Mapping
from typing import Any

from batchprocess.api.base import Rule

_STATE = "oldSelf.status.state"


def _working_directory(part: str) -> Rule:
    """With a source there is one for every pod."""
    pod = f"self.{part}.template.spec"
    return Rule(
        f"!has(self.source) || !has(self.{part}.template) || !has({pod}) || "
        f"!has({pod}.containers) || {pod}.containers.all(c, !has(c.workingDir))",
        f"spec.{part}.template.spec.containers[worker].workingDir: with spec.source it is "
        "/batchprocess/source: leave it out",
        lambda spec: spec.source is None or not _working_directories(getattr(spec, part).template),
        field=f".{part}",
    )


def _working_directories(template: Mapping[str, Any]) -> list[Any]:
    containers = (template.get("spec") or {}).get("containers") or ()
    return [one["workingDir"] for one in containers if one.get("workingDir") is not None]


SPEC_RULES = (
    Rule(
        "has(self.image)",
        "spec.image is required on a cluster: name an image that has batchprocess and your code",
        field=".image",
    ),
    Rule(
        "has(self.output.uri)",
        "spec.output.uri is required on a cluster: give s3://bucket/prefix, or "
        "file:///absolute/path on a volume that all workers share",
        field=".output.uri",
    ),
    Rule(
        "!has(self.dataset) || !has(self.input)",
        "spec.input: give either dataset or input",
        lambda spec: spec.dataset is None or spec.input is None,
        field=".input",
    ),
    Rule(
        "has(self.processor) == (has(self.dataset) || has(self.input))",
        "spec.processor goes together with spec.dataset or spec.input: give two of them, or a "
        "command",
        lambda spec: (spec.processor is None) == (spec.dataset is None and spec.input is None),
        field=".processor",
    ),
    Rule(
        "(has(self.command) && size(self.command) > 0) != has(self.processor)",
        "spec.command: give either command, or processor with dataset or input",
        lambda spec: bool(spec.command) != (spec.processor is not None),
        field=".command",
    ),
    Rule(
        "!has(self.runId) || !(self.runId in ['.', '..'])",
        "spec.runId must be the name of a folder, not . or ..",
        lambda spec: spec.run_id not in (".", ".."),
        field=".runId",
    ),
    _working_directory("worker"),
    _working_directory("finalizer"),
    Rule(
        "!has(self.queueName) || !self.suspend",
        "spec.suspend must be false with spec.queueName: Kueue starts and stops the job; set "
        "spec.active of its Workload instead",
        lambda spec: spec.queue_name is None or not spec.suspend,
        field=".suspend",
    ),
    Rule(
        "!self.elastic || has(self.queueName)",
        "spec.elastic needs spec.queueName: without a queue spec.parallelism may always change",
        lambda spec: not spec.elastic or spec.queue_name is not None,
        field=".elastic",
    ),
    Rule(
        "!has(self.queueName) || self.elastic || self.parallelism == oldSelf.parallelism",
        "spec.parallelism cannot be changed on a job with spec.queueName: Kueue has admitted it "
        "with this many workers; of a new job it can with spec.elastic, where Kueue has elastic "
        "Jobs",
        field=".parallelism",
    ),
    Rule(
        "self.retry >= oldSelf.retry",
        "spec.retry may only grow: each number is one more try of the shards that failed",
        field=".retry",
    ),
)

JOB_RULES = (
    Rule(
        "self.metadata.name.size() <= 40 && "
        "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must have at most 40 characters, all of them a-z, 0-9 or -, and begin and "
        "end with a letter or digit: names of pods are made from it",
        field=".metadata.name",
    ),
    Rule(
        f"!has(oldSelf.status) || !has({_STATE}) || "
        f"!({_STATE} in ['Complete', 'CompleteWithFailures']) || "
        "self.spec.retry == oldSelf.spec.retry",
        "spec.retry cannot be changed once the job is complete, since a complete run is final: "
        "create another job",
        field=".spec.retry",
    ),
)
