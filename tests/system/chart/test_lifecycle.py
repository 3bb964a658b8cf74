"""Upgrades, rollbacks, other releases, and somebody who has no more than a namespace."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from support.job_cases import job, spec
from support.kube.helm import CHART, NAME, NAMESPACE, RELEASE, HelmError, flags, helm
from support.kube.job_server import JobServer
from testcluster import ClusterError, ControlPlane, Kubectl
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow

CRD = ("crd", "batchprocessjobs.batchprocess.dev")
NAMESPACED = CHART / "ci" / "namespaced-values.yaml"


def fields(plane: ControlPlane) -> set[str]:
    (version,) = plane.kubectl.get(*CRD)["spec"]["versions"]
    return set(version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])


def child_of(server: JobServer, plane: ControlPlane) -> str:
    """A worker Job as the operator makes it; the garbage collector knows whose it is."""
    meta = server.get()["metadata"]
    owner = {"apiVersion": "batchprocess.dev/v1alpha1", "kind": "BatchProcessJob"}
    owner |= {"name": meta["name"], "uid": meta["uid"], "controller": True}
    pod = {"containers": [{"name": "worker", "image": "x"}], "restartPolicy": "Never"}
    child: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job"}
    child["metadata"] = {"name": "digits-child", "ownerReferences": [owner]}
    child["metadata"]["namespace"] = meta["namespace"]
    plane.kubectl.apply(json.dumps(child | {"spec": {"template": {"spec": pod}}}))
    return str(plane.kubectl.get("job", "digits-child", meta["namespace"])["metadata"]["uid"])


def newer(tmp_path: Path) -> Path:
    """The chart of a later version, whose CRD has one field more."""
    copy = tmp_path / CHART.name
    copytree(CHART, copy)
    crd = copy / "templates" / "crd.yaml"
    old = "              processor:\n"
    assert crd.read_text().count(old) == 1
    field = "              madeUpLater:\n                type: string\n"
    crd.write_text(crd.read_text().replace(old, field + old))
    return copy


def test_an_upgrade_brings_fields_a_rollback_takes_them_and_jobs_stay(
    installed: ControlPlane, server: JobServer, tmp_path: Path
) -> None:
    place = list(flags({}, installed.kubeconfig))
    server.create(spec())
    kept = child_of(server, installed)
    before = helm("history", RELEASE, "--output=json", *place)
    helm("upgrade", RELEASE, str(newer(tmp_path)), *place)
    assert "madeUpLater" in fields(installed)
    helm("rollback", RELEASE, str(json.loads(before)[-1]["revision"]), *place)
    assert "madeUpLater" not in fields(installed)
    helm("uninstall", RELEASE, *place)
    try:
        assert server.get()["metadata"]["name"] == "digits"
        namespace = server.get()["metadata"]["namespace"]
        found = installed.kubectl.get("job", "digits-child", namespace)["metadata"]
        assert (found["uid"], found.get("deletionTimestamp")) == (kept, None)
    finally:
        helm("install", RELEASE, str(CHART), *place)


def test_a_release_of_another_name_takes_over_what_the_first_has_left(
    installed: ControlPlane, server: JobServer
) -> None:
    place = list(flags({}, installed.kubeconfig))
    server.create(spec())
    helm("uninstall", RELEASE, *place)
    try:
        with pytest.raises(HelmError, match="invalid ownership metadata"):
            helm("install", "other", str(CHART), *place)
        helm("install", "other", str(CHART), "--take-ownership", *place)
        assert server.get()["metadata"]["name"] == "digits"
        owner = installed.kubectl.get(*CRD)["metadata"]["annotations"]
        assert owner["meta.helm.sh/release-name"] == "other"
        helm("uninstall", "other", *place)
    finally:
        helm("install", RELEASE, str(CHART), "--take-ownership", *place)


def test_a_second_operator_has_namespaces_of_its_own(installed: ControlPlane) -> None:
    place = list(flags({}, installed.kubeconfig))
    values = flags({"watchNamespaces": ["default"], "crds.enabled": False})
    helm("install", "second", str(CHART), *values, *place)
    try:
        second = f"--as=system:serviceaccount:{NAMESPACE}:second-batchprocess-operator"
        can = ("auth", "can-i", "create", "jobs.batch")
        assert installed.kubectl(*can, "--namespace=default", second).strip() == "yes"
    finally:
        helm("uninstall", "second", *place)
    assert installed.kubectl.get(*CRD)["metadata"]["name"] == CRD[1]


@pytest.fixture
def tess(installed: ControlPlane) -> Path:
    """The kubeconfig of somebody who administers the namespace `team`, and nothing else."""
    kubectl = installed.kubectl
    kubectl("create", "namespace", "team")
    whom = ("--clusterrole=admin", "--user=tess", "--namespace=team")
    kubectl("create", "rolebinding", "tess", *whom)
    return installed.client("tess", "tess")


def test_who_has_only_a_namespace_installs_once_an_administrator_has_given_the_rights(
    installed: ControlPlane, tess: Path
) -> None:
    in_team = ("--namespace=team", f"--values={NAMESPACED}")
    with pytest.raises(HelmError, match="attempting to grant RBAC permissions not currently held"):
        helm(
            "install",
            "ours",
            str(CHART),
            *in_team,
            "--set=rbac.create=true,rbac.nodes=false",
            "--set=rbac.aggregateClusterRoles=false",
            f"--kubeconfig={tess}",
        )
    helm("uninstall", "ours", "--namespace=team", f"--kubeconfig={tess}")
    shown = ("--show-only=templates/rbac.yaml", "--show-only=templates/roles.yaml")
    rights = "--set=rbac.create=true,rbac.nodes=false"
    given = helm("template", "ours", str(CHART), *in_team, *shown, rights)
    kinds = {one["kind"] for one in yaml.safe_load_all(given) if one}
    assert kinds == {"Role", "RoleBinding", "ClusterRole"}
    installed.kubectl.apply(given)
    helm("install", "ours", str(CHART), *in_team, f"--kubeconfig={tess}")
    ours = "--as=system:serviceaccount:team:ours-batchprocess-operator"
    can = ("auth", "can-i", "create", "jobs.batch", "--namespace=team")
    assert installed.kubectl(*can, ours).strip() == "yes"
    until("tess may create jobs", lambda: "yes" in may_create_jobs(tess))
    theirs = job(spec())
    theirs["metadata"]["namespace"] = "team"
    Kubectl(tess).apply(json.dumps(theirs))
    helm("uninstall", "ours", "--namespace=team", f"--kubeconfig={tess}")
    installed.kubectl("delete", "namespace", "team", "--wait=false")


def may_create_jobs(who: Path) -> str:
    what = ("create", "batchprocessjobs.batchprocess.dev", "--namespace=team")
    try:
        return Kubectl(who)("auth", "can-i", *what)
    except ClusterError as error:
        return str(error)


@pytest.mark.parametrize("values", sorted((CHART / "ci").iterdir()), ids=lambda path: path.stem)
def test_the_api_server_takes_what_every_file_of_values_makes(
    values: Path, installed: ControlPlane
) -> None:
    text = helm("template", RELEASE, str(CHART), f"--values={values}", *flags({}))
    objects = [one for one in yaml.safe_load_all(text) if one is not None]
    # Their CRDs are the Prometheus operator's.
    known = [one for one in objects if not one["apiVersion"].startswith("monitoring.coreos.com")]
    helm("lint", "--strict", "--quiet", str(CHART), f"--values={values}")
    for one in known:
        if one["kind"] == "Pod":
            # Its account is one that `helm test` makes before it.
            del one["spec"]["serviceAccountName"]
        said = installed.kubectl(
            "apply",
            "--dry-run=server",
            "--server-side",
            "--force-conflicts",
            "--filename=-",
            stdin=json.dumps(one),
        )
        assert "serverside-applied" in said, NAME
