"""What kubectl, autoscalers and the operator see of a job; and that Kubernetes' fields are ours."""

import json
from typing import Any

import pytest

from batchprocess.api import kubernetes
from batchprocess.api.job import BatchProcessJob
from batchprocess.api.schema.crd import UNSEEN
from batchprocess.api.status import Status
from support.job_cases import SPEC, job, spec
from support.kube.job_server import JobServer, Refused
from testcluster import ClusterError, Kubectl

pytestmark = pytest.mark.slow

STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "state": "Running",
    "conditions": [
        {
            "type": "Running",
            "status": "True",
            "observedGeneration": 1,
            "lastTransitionTime": "2030-01-01T12:00:00Z",
            "reason": "PodsRunning",
            "message": "8 workers are running",
        }
    ],
    "runId": "a1",
    "outputURI": "s3://bucket/out/digits/a1",
    "startTime": "2030-01-01T12:00:00Z",
    "shards": {"total": 64, "succeeded": 38, "running": 8, "failed": 1, "pending": 17},
    "batches": {"done": 421, "total": 1000},
    "rows": 26_944,
    "dataset": {"rows": 64_000, "batches": 1000, "batchSize": 64},
    "rate": 1234.5,
    "eta": "2030-01-01T12:12:00Z",
    "sealedShards": "0-37",
    "sealedBy": "exitCode",
    "literal": True,
    "failedShards": "40",
    "pendingShards": "47-63",
    "cursors": "16,15,3",
    "claims": "7,9,2",
    "shardProgress": [
        {
            "shard": 40,
            "cursor": 3,
            "total": 16,
            "state": "failed",
            "attempts": 4,
            "lastCommitTime": "2030-01-01T12:01:00Z",
        }
    ],
    "metrics": {"mean": 0.5, "nested": {"any": [1, "b", None]}},
    "metricsError": "none",
    "attempts": 12,
    "badRows": 9,
    "lostWork": 3,
    "notifications": {
        "pending": [
            {
                "event": "Stalled",
                "time": "2030-01-01T12:00:00Z",
                "retry": 0,
                "state": "Running",
                "reason": "NotAllowed",
                "message": "why",
                "batchesDone": 421,
                "batchesTotal": 1000,
                "rows": 26_944,
                "badRows": 9,
                "shardsFailed": 1,
            },
            {"event": "Progress", "time": "2030-01-01T12:00:00Z", "retry": 0, "percent": 25},
        ],
        "delivered": 1,
        "lost": 0,
        "stalledTime": "2030-01-01T12:00:00Z",
    },
    "replicas": 8,
    "selector": "batchprocess.dev/job-uid=x",
    "display": {"progress": "421/1000", "shards": "38/64", "rate": "1.2k/s", "eta": "12m"}
    | {"reason": "Unschedulable"},
}


def test_columns_say_how_far_a_job_is(server: JobServer, kubectl: Kubectl):
    server.create(spec())
    server.patch_status(STATUS)
    head, row = kubectl("get", "bpj", "digits").splitlines()
    assert head.split() == ["NAME", "STATE", "PROGRESS", "SHARDS", "RATE", "ETA", "AGE"]
    assert row.split()[:-1] == ["digits", "Running", "421/1000", "38/64", "1.2k/s", "12m"]


def test_wide_columns_add_reason_failures_attempts_and_the_output(
    server: JobServer, kubectl: Kubectl
):
    server.create(spec())
    server.patch_status(STATUS)
    head, row = kubectl("get", "bpj", "digits", "--output=wide").splitlines()
    assert head.split()[7:] == ["REASON", "FAILED", "ATTEMPTS", "BADROWS", "OUTPUT"]
    assert row.split()[7:] == ["Unschedulable", "1", "12", "9", "s3://bucket/out/digits/a1"]


def test_a_job_is_in_the_category_all(server: JobServer, kubectl: Kubectl):
    server.create(spec())
    assert "batchprocessjob.batchprocess.dev/digits" in kubectl("get", "all", "--output=name")


def test_scale_reads_and_writes_parallelism(server: JobServer, kubectl: Kubectl):
    server.create(spec(parallelism=2))
    server.patch_status(STATUS)
    kubectl("scale", "bpj/digits", "--replicas=5", "--current-replicas=2")
    assert server.get()["spec"]["parallelism"] == 5
    path = "/apis/batchprocess.dev/v1alpha1/namespaces/default/batchprocessjobs/digits/scale"
    scale = json.loads(kubectl("get", "--raw", path))
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (5, 8)
    assert scale["status"]["selector"] == "batchprocess.dev/job-uid=x"


def test_a_queued_job_is_not_scaled(server: JobServer, kubectl: Kubectl):
    server.create(spec(parallelism=2, queueName="gpus"))
    with pytest.raises(ClusterError, match="Kueue has admitted it"):
        kubectl("scale", "bpj/digits", "--replicas=5")


def test_a_whole_status_is_kept_and_read_back(server: JobServer):
    server.create(spec())
    server.patch_status(STATUS)
    stored = server.get()
    assert stored["status"] == STATUS
    read = BatchProcessJob.model_validate(stored).status
    assert read is not None
    said = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert said == STATUS


def test_a_job_at_which_nobody_has_looked_says_so(server: JobServer, kubectl: Kubectl):
    server.create(spec())
    fresh = json.loads(kubectl("get", "bpj", "digits", "--output=json", "--show-managed-fields"))
    assert (fresh["status"], fresh["metadata"]["generation"]) == (UNSEEN, 1)
    # Filled in, and nobody's: a tool that applies the job has written none of it.
    assert "f:status" not in json.dumps(fresh["metadata"]["managedFields"])
    server.patch_status({"state": "Pending", "observedGeneration": 1})
    assert server.get()["status"] == {"state": "Pending", "observedGeneration": 1}


def test_every_field_of_the_status_model_is_in_that_status():
    every = {field.alias for field in Status.model_fields.values()}
    assert every - STATUS.keys() == {"retry", "completionTime"}


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ({"state": "Done"}, "status.state"),
        ({"shards": {"total": -1}}, "status.shards.total"),
        ({"conditions": [{"type": "A", "status": "Yes"}]}, "status.conditions[0].status"),
        ({"shardProgress": [{"shard": 1, "cursor": 1, "state": "failed"}] * 201}, ".shardProgress"),
    ],
)
def test_a_wrong_status_is_refused(status: dict[str, Any], field: str, server: JobServer):
    server.create(spec())
    with pytest.raises(Refused) as caught:
        server.patch_status(status)
    assert any(one.endswith(field) for one in caught.value.fields)


def test_the_status_is_not_written_with_the_spec_nor_the_spec_with_the_status(server: JobServer):
    server.create(spec())
    server.patch([{"op": "add", "path": "/status", "value": {"state": "Complete"}}])
    assert server.get()["status"] == UNSEEN
    server.patch_status({"state": "Running"})
    assert server.get()["metadata"]["generation"] == 1


def test_explain_says_what_a_field_is_for(kubectl: Kubectl):
    told = " ".join(kubectl("explain", "bpj.spec.timeouts.stallSeconds").split())
    assert "Seconds without a finished batch" in told
    assert "Default 600. Immutable." in told


@pytest.mark.parametrize("options", [[], ["--server-side"]], ids=["client-side", "server-side"])
def test_what_is_applied_twice_changes_nothing(
    options: list[str], server: JobServer, kubectl: Kubectl
):
    nulls = {"runId": None, "maxBatches": None, "source": None}
    wanted = json.dumps(job({**SPEC, **nulls, "shards": 4}))
    kubectl("apply", *options, "--filename=-", stdin=wanted)
    # As the operator does; the status that the CRD fills in is stored by the first write of any.
    server.patch_status({"state": "Pending", "observedGeneration": 1})
    before = server.get()["metadata"]
    kubectl("diff", *options, "--filename=-", stdin=wanted)
    kubectl("apply", *options, "--filename=-", stdin=wanted)
    after = server.get()["metadata"]
    assert after["resourceVersion"] == before["resourceVersion"]
    assert after["generation"] == 1


def test_an_exported_job_is_applied_again(server: JobServer, kubectl: Kubectl):
    server.create(spec())
    server.patch_status(STATUS)
    kubectl.apply(json.dumps(server.get()))
    assert server.get()["metadata"]["generation"] == 1


def test_server_side_apply_takes_a_null_for_every_optional_field(
    server: JobServer, kubectl: Kubectl
):
    output = {"uri": "/out", "s3": {"checksums": None, "endpoint": None, "addressing": "path"}}
    wanted = json.dumps(job({**SPEC, "output": output, "queueName": None}))
    kubectl("apply", "--server-side", "--filename=-", stdin=wanted)
    assert BatchProcessJob.model_validate(server.get()).spec.output.s3.checksums is None


def test_server_side_apply_keeps_a_null_that_means_something(server: JobServer, kubectl: Kubectl):
    policy = {"maxAttemptsWithoutProgress": None}
    wanted = json.dumps(job({**SPEC, "failurePolicy": policy}))
    kubectl("apply", "--server-side", "--filename=-", stdin=wanted)
    assert server.get()["spec"]["failurePolicy"]["maxAttemptsWithoutProgress"] is None
    read = BatchProcessJob.model_validate(server.get())
    assert read.spec.failure_policy.max_attempts_without_progress is None


def _published(kubectl: Kubectl, kind: str) -> set[str]:
    schemas = json.loads(kubectl("get", "--raw", "/openapi/v3/api/v1"))["components"]["schemas"]
    return set(schemas[f"io.k8s.api.core.v1.{kind}"]["properties"])


@pytest.mark.parametrize(
    ("kind", "ours", "passed"),
    [
        (
            "PodSpec",
            "containers initContainers volumes restartPolicy terminationGracePeriodSeconds",
            kubernetes.names(kubernetes.POD) | {"ephemeralContainers"},
        ),
        (
            "Container",
            "name image command args env resources restartPolicy volumeMounts workingDir",
            kubernetes.names(kubernetes.CONTAINER, kubernetes.TERMINATION),
        ),
        ("Volume", "name", kubernetes.names(kubernetes.VOLUME)),
        ("VolumeMount", "name mountPath", kubernetes.names(kubernetes.VOLUME_MOUNT)),
        ("EnvVarSource", "secretKeyRef", kubernetes.names(kubernetes.ENV_SOURCE)),
        ("ResourceRequirements", "limits requests", kubernetes.names(kubernetes.RESOURCES)),
    ],
)
def test_the_template_has_exactly_the_fields_of_kubernetes(
    kind: str, ours: str, passed: frozenset[str], kubectl: Kubectl
):
    """ephemeralContainers is the one that no template may have."""
    assert set(ours.split()) | passed == _published(kubectl, kind)
