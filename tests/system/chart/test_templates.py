"""What the chart makes of its values: rights verb by verb, settings, and refusals."""

import base64
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.names import LABEL_JOB_UID
from batchprocess_operator.settings import PREFIX, OperatorSettings
from support.kube.helm import CHART, NAME, NAMESPACE, HelmError, helm, rendered
from testcluster.tools import built

pytestmark = pytest.mark.slow

Rights = dict[tuple[str, str, tuple[str, ...]], set[str]]
JOBS: Rights = {
    ("batchprocess.dev", "batchprocessjobs", ()): {"get", "list", "watch"},
    ("batchprocess.dev", "batchprocessjobs/status", ()): {"update"},
    ("batch", "jobs", ()): {"get", "list", "watch", "create", "patch", "delete"},
    ("", "pods", ()): {"get", "list", "watch", "patch"},
    ("", "pods/status", ()): {"patch"},
    ("", "events", ()): {"create", "list"},
}
NODES: Rights = {("", "nodes", ()): {"get"}}


def secret(name: str, *verbs: str) -> Rights:
    return {("", "secrets", (name,)): set(verbs)}


def people(role: dict[str, Any]) -> set[str]:
    """The cluster's own roles that this one is to be a part of; then nobody is bound to it."""
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    labels = role["metadata"]["labels"]
    return {name.removeprefix(prefix) for name in labels if name.startswith(prefix)}


def rights(objects: list[dict[str, Any]]) -> dict[tuple[str, str | None], Rights]:
    """By kind and namespace of the role; every role is bound to the operator and nobody else."""
    found: dict[tuple[str, str | None], Rights] = {}
    for role in objects:
        if role["kind"] not in ("Role", "ClusterRole") or people(role):
            continue
        meta = role["metadata"]
        place = found.setdefault((role["kind"], meta.get("namespace")), {})
        for rule in role["rules"]:
            assert not rule.keys() - {"apiGroups", "resources", "verbs", "resourceNames"}
            names = tuple(rule.get("resourceNames", ()))
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    place.setdefault((group, resource, names), set()).update(rule["verbs"])
        bound = [
            one["subjects"]
            for one in objects
            if one["kind"] == f"{role['kind']}Binding"
            and one["roleRef"]["name"] == meta["name"]
            and one["metadata"].get("namespace") == meta.get("namespace")
        ]
        assert bound == [[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]]
    return found


OWN = secret(f"{NAME}-progress-tls", "get", "update")


def test_the_operator_of_a_cluster_has_these_rights_and_no_other():
    assert rights(rendered()) == {
        ("ClusterRole", None): JOBS | NODES,
        ("Role", NAMESPACE): OWN,
    }


def test_the_operator_of_some_namespaces_has_them_there_only():
    assert rights(rendered(watchNamespaces=["a", "b"])) == {
        ("ClusterRole", None): NODES,
        ("Role", "a"): JOBS,
        ("Role", "b"): JOBS,
        ("Role", NAMESPACE): OWN,
    }


def test_an_operator_of_its_own_namespace_can_do_without_any_right_to_the_cluster():
    found = rendered(
        watchNamespaces=["a"],
        rbac__nodes=False,
        rbac__aggregateClusterRoles=False,
        crds__enabled=False,
        admissionPolicy__enabled=False,
    )
    assert rights(found) == {("Role", "a"): JOBS, ("Role", NAMESPACE): OWN}
    assert all("namespace" in one["metadata"] for one in found)


PAGE: Rights = {
    ("authentication.k8s.io", "tokenreviews", ()): {"create"},
    ("authorization.k8s.io", "subjectaccessreviews", ()): {"create"},
}


def added_by_the_page(**values: Any) -> dict[tuple[str, str | None], Rights]:
    """Rights that are there with the page, and not without."""
    before = rights(rendered(**values))
    after = rights(rendered(page__enabled=True, **values))
    assert (
        before.items()
        <= {
            key: {one: verbs for one, verbs in found.items() if one not in PAGE}
            for key, found in after.items()
        }.items()
    )
    found = {
        key: {one: verbs for one, verbs in now.items() if before.get(key, {}).get(one) != verbs}
        for key, now in after.items()
    }
    return {key: now for key, now in found.items() if now}


def test_the_page_may_also_ask_who_somebody_is_and_what_they_may_and_nothing_else():
    assert added_by_the_page() == {("ClusterRole", None): PAGE}
    assert added_by_the_page(watchNamespaces=["a"], rbac__nodes=False) == {
        ("ClusterRole", None): PAGE
    }


def test_people_with_the_clusters_own_roles_may_do_this_with_jobs():
    found = {
        frozenset(people(one)): {
            (resource, verb)
            for rule in one["rules"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        for one in rendered()
        if one["kind"] == "ClusterRole" and people(one)
    }
    jobs, scale, status = (f"batchprocessjobs{more}" for more in ("", "/scale", "/status"))
    everybody, editors = frozenset({"view", "edit", "admin"}), frozenset({"edit", "admin"})
    read, write = ("get", "list", "watch"), ("create", "update", "patch", "delete")
    assert found == {
        everybody: {(one, verb) for one in (jobs, scale, status) for verb in read},
        editors: {(jobs, verb) for verb in (*write, "deletecollection")}
        | {(scale, verb) for verb in ("update", "patch")},
    }


TRIED = {
    "test__enabled": True,
    "test__image": "registry.example/worker:1",
    "test__output": {"uri": "s3://bucket/$(HOME)", "s3": {"credentialsSecret": "s3-creds"}},
}


def hooks(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What `helm test` makes, by kind; all of it is taken away again."""
    found = {}
    for one in objects:
        notes = one["metadata"].get("annotations") or {}
        if notes.get("helm.sh/hook") == "test":
            assert notes["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
            found[one["kind"]] = one
    return found


def test_the_pod_of_helm_test_has_these_rights_and_no_other():
    found = hooks(rendered(**TRIED))
    assert found.keys() == {"ServiceAccount", "Role", "RoleBinding", "Pod"}
    granted = {
        (rule["apiGroups"][0], rule["resources"][0]): set(rule["verbs"])
        for rule in found["Role"]["rules"]
    }
    assert granted == {
        ("batchprocess.dev", "batchprocessjobs"): {"get", "create"},
        ("batch", "jobs"): {"create"},
    }
    account = {"kind": "ServiceAccount", "name": f"{NAME}-test", "namespace": NAMESPACE}
    assert found["RoleBinding"]["subjects"] == [account]
    assert found["Pod"]["spec"]["serviceAccountName"] == account["name"]
    assert {one["metadata"]["namespace"] for one in found.values()} == {NAMESPACE}
    elsewhere = hooks(rendered(watchNamespaces=["a", "b"], **TRIED))
    assert {one["metadata"]["namespace"] for one in elsewhere.values()} == {"a"}


def test_nothing_that_looks_for_the_operator_finds_the_pod_of_helm_test():
    objects = rendered(
        podDisruptionBudget__enabled=True,
        networkPolicy__enabled=True,
        metrics__podMonitor__enabled=True,
        **TRIED,
    )
    labels = hooks(objects)["Pod"]["metadata"]["labels"].items()
    chosen = [
        one["spec"].get("selector", one["spec"].get("podSelector"))
        for one in objects
        if "spec" in one
    ]
    chosen = [one.get("matchLabels", one) for one in chosen if one]
    assert len(chosen) == 5
    assert not [one for one in chosen if one.items() <= labels]


def test_the_job_of_helm_test_is_one_of_ours_and_its_code_is_python():
    (main,) = hooks(rendered(**TRIED))["Pod"]["spec"]["containers"]
    env = {one["name"]: one.get("value", "") for one in main["env"]}
    # The kubelet makes $( of $$(, and expands nothing then.
    told = json.loads(env["BATCHPROCESS_OPERATOR_TRIAL_JOB"].replace("$$(", "$("))
    job = BatchProcessJob.model_validate(told)
    assert (job.spec.image, job.spec.output.uri) == (
        "registry.example/worker:1",
        "s3://bucket/$(HOME)",
    )
    assert job.spec.command is not None
    compile(job.spec.command[-1], "trial.py", "exec")


@pytest.mark.parametrize("missing", ["test__image", "test__output"])
def test_helm_test_needs_an_image_and_a_place(missing: str):
    values = {name: value for name, value in TRIED.items() if name != missing}
    with pytest.raises(HelmError, match=f"{missing.replace('__', '.')}.* is empty"):
        rendered(**values)


def test_a_given_certificate_is_only_read():
    found = rendered(progress__existingSecret="cert")
    assert rights(found)["Role", NAMESPACE] == secret("cert", "get")
    assert not [one for one in found if one["kind"] == "Secret"]
    assert environment(found)["PROGRESS_SECRET_GIVEN"] == "true"


def test_the_secret_of_the_operator_is_empty_and_kept():
    (made,) = [one for one in rendered() if one["kind"] == "Secret"]
    assert made["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not made.keys() & {"data", "stringData"}


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return found


def environment(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Our variables without their prefix; one from the pod's fields is given as a name."""
    env = {one["name"]: one.get("value", "team") for one in container(objects)["env"]}
    return {
        name.removeprefix(PREFIX): value for name, value in env.items() if name.startswith(PREFIX)
    }


@pytest.mark.parametrize("namespaces", [[], ["a", "b"]])
def test_the_operator_understands_its_settings(namespaces: list[str]):
    told = environment(
        rendered(watchNamespaces=namespaces, requestsPerSecond=7.5, logLevel="DEBUG")
    )
    read = OperatorSettings.from_env({PREFIX + name: value for name, value in told.items()})
    assert told.keys() <= {name.upper() for name in OperatorSettings.model_fields}
    assert read.namespaces == tuple(namespaces)
    assert read.progress_address == f"https://{NAME}.{NAMESPACE}.svc:8443"
    assert (read.requests_per_second, read.log_level, read.pod_namespace) == (7.5, "DEBUG", "team")
    assert not read.progress_secret_given


def test_what_more_is_given_reaches_the_pod():
    env = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    volume, mount = {"name": "ca", "configMap": {"name": "ca"}}, {"name": "ca", "mountPath": "/ca"}
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    objects = rendered(
        extraEnv=[env],
        extraArgs=["--request-burst=7"],
        extraVolumes=[volume],
        extraVolumeMounts=[mount],
        topologySpreadConstraints=[spread],
        deploymentAnnotations={"team": "ml"},
        logFormat="json",
    )
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    pod, main = deployment["spec"]["template"]["spec"], container(objects)
    assert env in main["env"]
    assert (main["args"], main["volumeMounts"]) == (["--request-burst=7"], [mount])
    assert (pod["volumes"], pod["topologySpreadConstraints"]) == ([volume], [spread])
    assert deployment["metadata"]["annotations"] == {"team": "ml"}
    assert environment(objects)["LOG_FORMAT"] == "json"


def test_common_labels_are_on_all_objects_and_on_the_pod():
    objects = rendered(commonLabels={"team": "ml"}, podLabels={"team": "night"})
    for one in objects:
        if one["kind"] != "CustomResourceDefinition":
            assert one["metadata"]["labels"]["team"] == "ml", one["kind"]
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["metadata"]["labels"]["team"] == "night"


def test_a_security_context_is_changed_one_field_at_a_time():
    objects = rendered(podSecurityContext__runAsUser=1000)
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    context = deployment["spec"]["template"]["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsNonRoot"]) == (1000, True)


def test_it_leaves_a_lost_node_after_half_a_minute_and_is_ready_with_its_endpoint():
    objects = rendered()
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    tolerations = deployment["spec"]["template"]["spec"]["tolerations"]
    assert [one["tolerationSeconds"] for one in tolerations] == [30, 30]
    main = container(objects)
    assert main["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert main["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_a_budget_and_a_monitor_are_made_when_they_are_asked_for():
    kinds = {one["kind"] for one in rendered()}
    assert not kinds & {"PodDisruptionBudget", "PodMonitor"}
    monitor = {"enabled": True, "interval": "30s", "labels": {"release": "prometheus"}}
    objects = rendered(podDisruptionBudget__enabled=True, metrics__podMonitor=monitor)
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    (budget,) = [one for one in objects if one["kind"] == "PodDisruptionBudget"]
    assert budget["spec"]["maxUnavailable"] == 1
    (made,) = [one for one in objects if one["kind"] == "PodMonitor"]
    assert made["metadata"]["labels"]["release"] == "prometheus"
    assert made["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "30s"}]
    for one in (budget, made):
        assert one["spec"]["selector"]["matchLabels"].items() <= labels
    with pytest.raises(HelmError, match="there is nothing to scrape"):
        rendered(metrics__enabled=False, metrics__podMonitor__enabled=True)


def test_the_address_of_the_endpoint_may_be_another():
    told = environment(rendered(progress__address="https://10.0.0.7:8443"))
    assert told["PROGRESS_ADDRESS"] == "https://10.0.0.7:8443"


def test_the_deployment_is_one_that_may_do_nothing_to_its_node():
    objects = rendered()
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_digest_names_the_image_whatever_the_tag_says():
    digest = f"sha256:{'0' * 64}"
    found = rendered(image__repository="registry.example/it", image__tag="2", image__digest=digest)
    assert container(found)["image"] == f"registry.example/it@{digest}"
    found = rendered(image__repository="registry.example/it", image__tag="2", image__digest="")
    assert container(found)["image"] == "registry.example/it:2"


def test_ports_of_service_and_pod_agree():
    objects = rendered()
    (service,) = [one for one in objects if one["kind"] == "Service"]
    ports = {one["name"]: one["containerPort"] for one in container(objects)["ports"]}
    assert {one["targetPort"]: one["port"] for one in service["spec"]["ports"]} == {
        "progress": 8443,
        "metrics": 8081,
    }
    assert ports == {"progress": 8443, "metrics": 8081, "health": 8080}
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["selector"].items() <= labels


def ingress(objects: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Who may connect, by the name that the container gives the port."""
    (policy,) = [one for one in objects if one["kind"] == "NetworkPolicy"]
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    names = {one["containerPort"]: one["name"] for one in container(objects)["ports"]}
    found = {}
    for rule in policy["spec"]["ingress"]:
        (port,) = rule["ports"]
        assert port["protocol"] == "TCP"
        # Without peers a rule would let everybody in.
        assert rule["from"]
        found[names[port["port"]]] = rule["from"]
    return found


POD_OF_A_JOB = {"matchExpressions": [{"key": LABEL_JOB_UID, "operator": "Exists"}]}


def test_without_being_asked_the_chart_makes_no_network_policy():
    assert "NetworkPolicy" not in {one["kind"] for one in rendered()}


def test_without_being_asked_there_is_no_page():
    assert "PAGE_PORT" not in environment(rendered())


def test_the_page_has_a_port_of_its_own_that_only_those_reach_who_are_named():
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
    values = {"page__enabled": True, "networkPolicy__enabled": True}
    found = rendered(**values, networkPolicy__pageFrom=peers)
    (service,) = [one for one in found if one["kind"] == "Service"]
    ports = {one["name"]: (one["port"], one["targetPort"]) for one in service["spec"]["ports"]}
    assert ports["page"] == (8082, "page")
    assert {"name": "page", "containerPort": 8082} in container(found)["ports"]
    assert environment(found)["PAGE_PORT"] == "8082"
    assert ingress(found)["page"] == peers
    assert "page" not in ingress(rendered(**values))


def test_only_pods_of_jobs_and_prometheus_may_connect():
    found = ingress(rendered(networkPolicy__enabled=True))
    prometheus = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert found == {
        "progress": [{"podSelector": POD_OF_A_JOB, "namespaceSelector": {}}],
        "metrics": [{"podSelector": prometheus, "namespaceSelector": {}}],
    }


def test_of_watched_namespaces_only_their_pods_may_report():
    found = ingress(rendered(networkPolicy__enabled=True, watchNamespaces=["a", "b"]))
    (peer,) = found["progress"]
    (rule,) = peer["namespaceSelector"]["matchExpressions"]
    assert rule == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}
    assert peer["podSelector"] == POD_OF_A_JOB


def test_others_may_be_named_who_connect():
    node, mesh = [{"ipBlock": {"cidr": "10.0.0.0/24"}}], [{"namespaceSelector": {}}]
    values = {"networkPolicy__enabled": True, "networkPolicy__metricsFrom": []}
    others = {"networkPolicy__workersFrom": mesh, "networkPolicy__probesFrom": node}
    assert ingress(rendered(**values, **others)) == {"progress": mesh, "health": node}
    assert ingress(rendered(networkPolicy__enabled=True, metrics__enabled=False)).keys() == {
        "progress"
    }


def test_the_crd_is_kept_and_may_be_left_out():
    (crd,) = [one for one in rendered() if one["kind"] == "CustomResourceDefinition"]
    annotations = crd["metadata"].pop("annotations")
    assert annotations == {"helm.sh/resource-policy": "keep"}
    applied = CHART.parents[1] / "crds" / "batchprocess.dev_batchprocessjobs.yaml"
    assert crd == yaml.safe_load(applied.read_text())
    assert "CustomResourceDefinition" not in {one["kind"] for one in rendered(crds__enabled=False)}
    (crd,) = [
        one for one in rendered(crds__keep=False) if one["kind"] == "CustomResourceDefinition"
    ]
    assert crd == yaml.safe_load(applied.read_text())


@pytest.mark.parametrize(
    "values",
    [
        {"watchNamespace": ["a"]},
        {"image__name": "x"},
        {"image__digest": "sha256:abc"},
        {"image__digest": "0.1.0"},
        {"watchNamespaces": ["Not A Name"]},
        {"logLevel": "LOUD"},
        {"progress__address": "http://plain:8443"},
        {"requestsPerSecond": 0},
        {"replicas": 2},
        {"imagePullSecrets": ["registry"]},
        {"progress__enable": True},
        {"networkPolicy__workersFrom": [{}]},
        {"crds__kept": True},
        {"logFormat": "xml"},
        {"extraEnv": [{"value": "x"}]},
        {"commonLabels": {"app.kubernetes.io/name": "mine"}},
        {"podDisruptionBudget__maxUnavailable": 2},
        {"metrics__podMonitor": {"interval": "soon"}},
        {"metrics__prometheusRule": {"disabled": ["BatchProcessJobLate"]}},
        {"metrics__prometheusRule": {"for": {"BatchProcessJobStalled": "an hour"}}},
        {"metrics__prometheusRule": {"alertLabels": {"alertname": "mine"}}},
        {"metrics__prometheusRule": {"job": 'a"b'}},
        {"networkPolicy__metricsFrom": [{"ipBlock": {"cidr": "10.0.0.1"}}]},
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(values: dict[str, Any]):
    with pytest.raises(HelmError, match="values don't meet the specifications of the schema"):
        rendered(**values)


def test_every_value_has_its_place_in_the_schema_and_the_chart_is_clean():
    helm("lint", "--strict", "--quiet", str(CHART))


def test_what_the_chart_says_of_itself_is_so():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    notes = {
        name.removeprefix("artifacthub.io/"): yaml.safe_load(text)
        for name, text in chart["annotations"].items()
    }
    objects = rendered()
    (crd,) = [one for one in objects if one["kind"] == "CustomResourceDefinition"]
    (told,) = notes["crds"]
    assert told["name"] == crd["metadata"]["name"]
    assert told["kind"] == crd["spec"]["names"]["kind"]
    assert told["version"] in {one["name"] for one in crd["spec"]["versions"]}
    for example in notes["crdsExamples"]:
        BatchProcessJob.model_validate(example)
    assert [one["image"] for one in notes["images"]] == [container(objects)["image"]]
    kind, _, icon = chart["icon"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert ElementTree.fromstring(base64.b64decode(icon)).tag.endswith("svg")


def test_the_table_of_values_is_what_the_values_say(tmp_path: Path):
    copy = tmp_path / CHART.name
    shutil.copytree(CHART, copy)
    subprocess.run([built("helm-docs"), f"--chart-search-root={tmp_path}"], check=True, timeout=60)
    assert (copy / "README.md").read_text() == (CHART / "README.md").read_text()
    rows = re.findall(r"^\| (\S+) \|.*\| (.*?) \|$", (copy / "README.md").read_text(), re.MULTILINE)
    assert len(rows) > 40
    assert not [name for name, described in rows if not described.strip()]


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_the_install_command_that_a_page_shows_runs_the_image_that_it_names(page: str):
    text = (CHART.parents[1] / page).read_text().replace("\\\n", "")
    root = CHART.parents[1]
    commands = re.findall(r"^helm install .*", text, flags=re.MULTILINE)
    assert commands
    build = r"^docker build -f Dockerfile\.operator -t (\S+)"
    named = {"registry.example/team/batchprocess-operator:0.1.0"}
    named |= set(re.findall(build, text, flags=re.MULTILINE))
    for command in commands:
        release, chart, *flags = shlex.split(command)[2:]
        assert (root / chart).samefile(CHART)
        flags = [str(root / one) if one.startswith("charts/") else one for one in flags]
        made = yaml.safe_load_all(helm("template", release, str(CHART), *flags))
        objects = [one for one in made if one is not None]
        assert container(objects)["image"] in named
