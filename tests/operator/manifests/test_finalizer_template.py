"""The finalizer's pod is what the workers' is, and not where theirs is."""

from typing import Any

from batchprocess.api import kubernetes
from batchprocess_operator.manifests.finalizer_template import (
    INHERITED,
    LEFT_OUT,
    finalizer_digest,
)
from support.operator.manifests import (
    container_of,
    env_of,
    finalizer,
    mounts_of,
    pod_of,
    template,
    volumes_of,
    worker,
)
from support.operator.objects import job

WORKERS: dict[str, Any] = {
    "priorityClassName": "batch",
    "schedulerName": "volcano",
    "serviceAccount": "runner",
    "hostNetwork": True,
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "nodeName": "gpu-1",
    "nodeSelector": {"pool": "gpu", "kubernetes.io/arch": "arm64"},
    "schedulingGates": [{"name": "wait"}],
    "readinessGates": [{"conditionType": "ready"}],
    "topologySpreadConstraints": [{"maxSkew": 1}],
    "affinity": {"nodeAffinity": {}},
    "activeDeadlineSeconds": 5,
}
ENGINE = {"name": "engine", "image": "vllm:1", "restartPolicy": "Always"} | {
    "resources": {"limits": {"nvidia.com/gpu": "1"}},
    "volumeMounts": [{"name": "weights", "mountPath": "/weights"}],
}
PROXY = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"} | {
    "volumeMounts": [{"name": "sockets", "mountPath": "/sockets"}]
}
FETCH = {"name": "fetch", "image": "fetch:1", "volumeDevices": [{"name": "disk"}]}


def of(workers: dict[str, Any], **own: Any) -> dict[str, Any]:
    return finalizer(worker=template(**workers), finalizer=own)


class TestInherited:
    def test_every_field_of_a_pod_is_inherited_or_left_out(self) -> None:
        ours = {"initContainers", "volumes", "terminationGracePeriodSeconds"}
        assert kubernetes.names(kubernetes.POD) | ours == INHERITED | LEFT_OUT
        assert not INHERITED & LEFT_OUT

    def test_what_says_where_workers_run_and_what_they_wait_for_is_not(self) -> None:
        made = pod_of(of(WORKERS))
        assert not made.keys() & (LEFT_OUT - {"nodeSelector"})
        assert made["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
        for kept in ("priorityClassName", "schedulerName", "serviceAccount", "hostNetwork"):
            assert made[kept] == WORKERS[kept]
        assert made["tolerations"] == WORKERS["tolerations"]

    def test_an_affinity_to_an_architecture_is_kept_unless_the_finalizer_has_another(self) -> None:
        arm = {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [arm]}]}
        node = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        assert pod_of(of({"affinity": node}))["affinity"] == node
        other = {"nodeSelector": {"kubernetes.io/arch": "amd64"}}
        assert "affinity" not in pod_of(of({"affinity": node}, **other))

    def test_helpers_run_beside_it_but_not_engines(self) -> None:
        made = of({"initContainers": [FETCH, ENGINE, PROXY]})
        assert [one["name"] for one in pod_of(made)["initContainers"]] == ["fetch", "proxy"]

    def test_volumes_that_only_others_mount_are_left_out(self) -> None:
        volumes = [{"name": name} for name in ("weights", "sockets", "disk", "data")]
        mount = {"name": "data", "mountPath": "/data"}
        workers = {"initContainers": [FETCH, ENGINE, PROXY], "volumes": volumes}
        workers["containers"] = [{"name": "worker", "volumeMounts": [mount]}]
        kept = {name for name in volumes_of(of(workers)) if not name.startswith("batchprocess-")}
        assert kept == {"sockets", "disk", "data"}

    def test_the_workers_probes_and_resources_are_left_out(self) -> None:
        probe = {"exec": {"command": ["test", "-e", "/tmp/batch"]}}
        own = {"name": "worker", "livenessProbe": probe, "startupProbe": probe}
        own |= {"readinessProbe": probe, "resources": {"requests": {"memory": "900Gi"}}}
        made = container_of(of({"containers": [own | {"lifecycle": {"preStop": {}}}]}))
        assert not [key for key in made if "Probe" in key]
        assert made["lifecycle"] == {"preStop": {}}
        assert made["resources"]["requests"]["memory"] == "4Gi"

    def test_a_runtime_is_the_workers_unless_it_may_be_that_of_their_gpus(self) -> None:
        sandbox = {"runtimeClassName": "gvisor", "overhead": {"cpu": "1"}}
        assert pod_of(of(sandbox))["runtimeClassName"] == "gvisor"
        assert pod_of(of(sandbox))["overhead"] == {"cpu": "1"}
        gpu = {"gpus": 1} | template(**sandbox)
        assert not sandbox.keys() & pod_of(finalizer(worker=gpu)).keys()
        with_gpu = pod_of(finalizer(worker=gpu, finalizer={"gpus": 1}))
        assert with_gpu["runtimeClassName"] == "gvisor"

    def test_a_grace_is_that_of_the_workers_or_its_own_and_it_is_told(self) -> None:
        given = {"terminationGracePeriodSeconds": 7}
        for made in (of(given), of({}, template={"spec": given})):
            assert pod_of(made)["terminationGracePeriodSeconds"] == 7
            assert env_of(made)["BATCHPROCESS_GRACE_SECONDS"] == "7.0"


class TestGiven:
    def test_what_its_template_gives_takes_the_place_of_what_it_would_inherit(self) -> None:
        spec = {
            "schedulerName": "default-scheduler",
            "tolerations": [{"key": "cpu", "operator": "Exists"}],
            "nodeSelector": {"pool": "cpu"},
            "affinity": {"podAffinity": {}},
            "initContainers": [ENGINE],
            "volumes": [{"name": "own"}],
            "priorityClassName": None,
        }
        made = of(WORKERS | {"initContainers": [PROXY]}, template={"spec": spec})
        pod = pod_of(made)
        for field in ("schedulerName", "tolerations", "affinity", "initContainers"):
            assert pod[field] == spec[field]
        assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64", "pool": "cpu"}
        assert "own" in volumes_of(made)
        assert pod["priorityClassName"] == "batch"

    def test_an_empty_list_takes_helpers_away(self) -> None:
        made = of({"initContainers": [PROXY]}, template={"spec": {"initContainers": []}})
        assert pod_of(made)["initContainers"] == []

    def test_of_the_container_too(self) -> None:
        workers = {"name": "worker", "env": [{"name": "A", "value": "1"}], "tty": True}
        own = {"name": "worker", "env": [{"name": "B", "value": "2"}]}
        own |= {"resources": {"limits": {"memory": "9Gi"}}}
        own |= {"volumeMounts": [{"name": "own", "mountPath": "/own"}]}
        spec = {"containers": [own], "volumes": [{"name": "own"}]}
        made = of({"containers": [workers]}, template={"spec": spec})
        assert ("A" in env_of(made), env_of(made)["B"]) == (False, "2")
        assert container_of(made)["tty"] is True
        assert container_of(made)["resources"]["limits"]["memory"] == "9Gi"
        assert mounts_of(made)["own"] == "/own"

    def test_labels_and_annotations_are_added(self) -> None:
        workers = {"metadata": {"labels": {"a": "1", "b": "1"}, "annotations": {"n": "1"}}}
        own = {"metadata": {"labels": {"b": "2"}, "annotations": {"m": "2"}}}
        made = finalizer(worker={"template": workers}, finalizer={"template": own})
        meta = made["spec"]["template"]["metadata"]
        assert (meta["labels"]["a"], meta["labels"]["b"]) == ("1", "2")
        assert meta["annotations"] == {"n": "1", "m": "2"}

    def test_tolerations_beside_the_template_are_added(self) -> None:
        own = [{"key": "cpu", "operator": "Exists"}]
        made = pod_of(of(WORKERS, tolerations=own))
        assert made["tolerations"] == [*WORKERS["tolerations"], *own]

    def test_nonsense_is_handed_on_for_the_api_server_to_refuse(self) -> None:
        spec = {"tolerations": 5, "nodeSelector": "x", "affinity": [1]}
        made = pod_of(of(spec, template={"spec": spec}))
        assert {key: made[key] for key in spec} == spec


class TestDigest:
    def test_it_is_of_what_is_in_a_pod(self) -> None:
        own = {"gpus": 1, "template": {"spec": {"priorityClassName": "high"}}}
        digest = finalizer_digest(job(finalizer=own).body)
        assert digest == finalizer_digest(job(finalizer=dict(reversed(own.items()))).body)
        later = own | {"activeDeadlineSeconds": 5, "tolerations": [], "nodeSelector": None}
        assert digest == finalizer_digest(job(finalizer=later).body)
        assert digest != finalizer_digest(job(finalizer={"gpus": 1}).body)

    def test_both_children_have_it(self) -> None:
        one = job(finalizer={"gpus": 1})
        for made in (finalizer(finalizer={"gpus": 1}), worker(finalizer={"gpus": 1})):
            notes = made["metadata"]["annotations"]
            assert notes["batchprocess.dev/finalizer"] == finalizer_digest(one.body)
