"""The installed chart: who may create jobs, what the operator may do, and upgrades."""

import base64
import json
from typing import Any

import pytest

from support.job_cases import job, spec
from support.kube.helm import CHART, NAME, NAMESPACE, RELEASE, flags, helm
from support.kube.job_server import JobServer, Refused
from testcluster import ClusterError, ControlPlane, Kubectl
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow

ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{NAME}"
BPJ = "batchprocessjobs.batchprocess.dev,batchprocessjobs.batchprocess.dev/scale"
USERS = {"eve": {BPJ: "*"}, "ada": {BPJ: "*", "jobs.batch": "create"}}


@pytest.fixture(scope="module")
def users(installed: ControlPlane) -> dict[str, Kubectl]:
    """Two people in the namespace default; ada may also create Jobs."""
    made = {}
    for name, rights in USERS.items():
        for resource, verbs in rights.items():
            role = f"{name}-{resource.split('.')[0]}"
            what = (f"--verb={verbs}", f"--resource={resource}", "--namespace=default")
            installed.kubectl("create", "role", role, *what)
            whom = (f"--role={role}", f"--user={name}", "--namespace=default")
            installed.kubectl("create", "rolebinding", role, *whom)
        made[name] = Kubectl(installed.client(name, name))
    until_the_policy_is_in_force(made["eve"])
    return made


def until_the_policy_is_in_force(eve: Kubectl) -> None:
    """The API server compiles a new policy some time after it has stored it."""

    def refused() -> bool:
        try:
            eve("create", "--dry-run=server", "--filename=-", stdin=json.dumps(job(spec(), "try")))
        except ClusterError as error:
            return "may not create Jobs" in str(error)
        return False

    until("the policy is in force", refused)


def test_who_may_not_create_jobs_may_not_create_a_batchprocessjob(users: dict[str, Kubectl]):
    with pytest.raises(ClusterError) as caught:
        users["eve"].apply(json.dumps(job(spec())))
    assert "user eve may not create Jobs in namespace default" in str(caught.value)
    assert "forbidden" in str(caught.value).lower()


def test_who_may_create_jobs_may_create_a_batchprocessjob(
    users: dict[str, Kubectl], server: JobServer
):
    users["ada"].apply(json.dumps(job(spec())))
    assert server.get()["metadata"]["name"] == "digits"


def patched(who: Kubectl, **change: Any) -> None:
    who("patch", "bpj", "digits", "--type=merge", "--patch", json.dumps({"spec": change}))


def test_nor_may_they_change_what_another_has_created(users: dict[str, Kubectl], server: JobServer):
    server.create(spec())
    with pytest.raises(ClusterError, match="user eve may not create Jobs"):
        patched(users["eve"], parallelism=7)
    patched(users["ada"], parallelism=7)


def test_nor_may_they_scale_what_another_has_created(users: dict[str, Kubectl], server: JobServer):
    server.create(spec(parallelism=2))
    for change in (("scale", "--replicas=7"), ("patch", '--patch={"spec":{"replicas":7}}')):
        verb, what = change
        more = ("--subresource=scale", "--type=merge") if verb == "patch" else ()
        with pytest.raises(ClusterError, match="user eve may not create Jobs"):
            users["eve"](verb, "bpj", "digits", what, *more)
    assert server.get()["spec"]["parallelism"] == 2
    users["eve"]("scale", "bpj", "digits", "--replicas=2")
    users["ada"]("scale", "bpj", "digits", "--replicas=7")
    assert server.get()["spec"]["parallelism"] == 7


def test_labels_and_deletion_need_no_right_to_create_jobs(
    users: dict[str, Kubectl], server: JobServer
):
    server.create(spec())
    users["eve"]("label", "bpj", "digits", "team=vision")
    users["eve"]("delete", "bpj", "digits")


def test_the_garbage_collector_can_end_a_deletion_in_the_foreground(
    installed: ControlPlane, server: JobServer
):
    server.create(spec())
    installed.kubectl("delete", "bpj", "digits", "--cascade=foreground", "--timeout=30s")
    assert "digits" not in installed.kubectl("get", "bpj", "--output=name")


@pytest.fixture(scope="module")
def by_role(installed: ControlPlane) -> dict[str, Kubectl]:
    """A person for each of the cluster's own roles, in the namespace default."""
    made = {}
    for role in ("view", "edit", "admin"):
        whom = (f"--clusterrole={role}", f"--user={role}er", "--namespace=default")
        installed.kubectl("create", "rolebinding", f"people-{role}", *whom)
        made[role] = Kubectl(installed.client(f"{role}er", f"{role}er"))

    def aggregated() -> bool:
        rules = installed.kubectl("get", "clusterrole", "view", "edit", "admin", "--output=json")
        return rules.count("batchprocessjobs/scale") >= 3

    until("roles are aggregated", aggregated)
    return made


def test_who_may_edit_may_run_jobs_and_who_may_view_may_see_them(
    by_role: dict[str, Kubectl], server: JobServer
):
    by_role["edit"].apply(json.dumps(job(spec(parallelism=2))))
    by_role["admin"]("scale", "bpj", "digits", "--replicas=3")
    for who in by_role.values():
        assert "digits" in who("get", "bpj")
        # The CRD is in category all.
        assert "digits" in who("get", "all", "--namespace=default")
    with pytest.raises(ClusterError, match="cannot delete resource"):
        by_role["view"]("delete", "bpj", "digits")
    with pytest.raises(ClusterError, match="cannot update resource|cannot patch resource"):
        by_role["view"]("scale", "bpj", "digits", "--replicas=1")
    by_role["edit"]("delete", "bpj", "digits")


def test_a_renamed_hyperparameter_is_refused(users: dict[str, Kubectl], server: JobServer):
    server.create(spec(hparams={"threshold": 0.5}))
    with pytest.raises(Refused, match="spec.hparams cannot be changed") as caught:
        server.patch([{"op": "replace", "path": "/spec/hparams", "value": {"treshold": 0.5}}])
    assert caught.value.code == 422
    server.patch([{"op": "replace", "path": "/spec/hparams", "value": {"threshold": 0.5}}])


@pytest.mark.parametrize(
    ("what", "may"),
    [
        ("list batchprocessjobs.batchprocess.dev --all-namespaces", True),
        ("update batchprocessjobs.batchprocess.dev --subresource=status", True),
        ("create jobs.batch", True),
        ("patch pods --subresource=status", True),
        ("list events", True),
        ("get nodes", True),
        (f"update secrets/{NAME}-progress-tls --namespace={NAMESPACE}", True),
        ("update batchprocessjobs.batchprocess.dev", False),
        ("patch batchprocessjobs.batchprocess.dev --subresource=status", False),
        ("create pods", False),
        ("create pods --subresource=exec", False),
        ("delete pods", False),
        ("update jobs.batch", False),
        ("list nodes", False),
        ("get secrets", False),
        (f"get secrets/other --namespace={NAMESPACE}", False),
        (f"list secrets --namespace={NAMESPACE}", False),
        (f"get secrets/{NAME}-progress-tls --namespace=default", False),
        ("create tokenreviews.authentication.k8s.io", False),
        ("list customresourcedefinitions.apiextensions.k8s.io", False),
        ("impersonate users", False),
    ],
)
def test_the_operator_may_do_this_and_not_that(what: str, may: bool, installed: ControlPlane):
    question = ("auth", "can-i", f"--as={ACCOUNT}", *what.split())
    if may:
        assert installed.kubectl(*question).strip() == "yes"
        return
    with pytest.raises(ClusterError):
        installed.kubectl(*question)


def test_pods_of_workers_have_no_rights(installed: ControlPlane):
    account = "--as=system:serviceaccount:default:default"
    for what in ("get pods", "get batchprocessjobs.batchprocess.dev", "get secrets"):
        with pytest.raises(ClusterError):
            installed.kubectl("auth", "can-i", account, *what.split())


def test_an_upgrade_leaves_the_certificate_and_a_new_release_takes_it_over(
    installed: ControlPlane, server: JobServer
):
    kubectl, place = installed.kubectl, list(flags({}, installed.kubeconfig))
    server.create(spec())
    secret = (f"secret/{NAME}-progress-tls", f"--namespace={NAMESPACE}")
    data = {"ca.crt": base64.b64encode(b"a CA").decode()}
    kubectl("patch", *secret, "--type=merge", "--patch", json.dumps({"data": data}))
    helm("upgrade", RELEASE, str(CHART), *place)
    helm("uninstall", RELEASE, *place)
    assert server.get()["metadata"]["name"] == "digits"
    helm("install", RELEASE, str(CHART), *place)
    kept = kubectl.get("secret", f"{NAME}-progress-tls", NAMESPACE)
    assert kept["data"] == data


def test_what_is_rendered_twice_is_the_same(installed: ControlPlane):
    place = list(flags({}, installed.kubeconfig))
    texts = {helm("template", RELEASE, str(CHART), *place) for _ in range(2)}
    assert len(texts) == 1
    kubectl = installed.kubectl
    kubectl("diff", "--server-side", "--force-conflicts", "--filename=-", stdin=texts.pop())


def test_the_api_server_takes_the_network_policy(installed: ControlPlane):
    peers = [{"namespaceSelector": {}}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": []}}]
    values = {"networkPolicy.enabled": True, "networkPolicy.probesFrom": peers}
    place = list(flags({**values, "watchNamespaces": ["a"]}, installed.kubeconfig))
    text = helm("template", RELEASE, str(CHART), "--show-only=templates/networkpolicy.yaml", *place)
    said = installed.kubectl("create", "--dry-run=server", "--filename=-", stdin=text)
    assert "networkpolicy.networking.k8s.io" in said
