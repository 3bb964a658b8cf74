"""The kustomize example: what kubectl's kustomize makes of it, and an API server of that."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import testcluster
from batchprocess.api.job import BatchProcessJob
from support.gitops.fake_argocd import EXAMPLES
from support.operator.process import operator_process
from support.pages import read_page
from testcluster import ClusterError, Kubectl
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow
MANAGER = "--field-manager=kustomize-controller"
SERVER_SIDE = ("apply", "--server-side", MANAGER, "--kustomize")


@pytest.fixture
def folder(tmp_path: Path, kubectl: Kubectl) -> Iterator[Path]:
    """A copy of the example; what was applied of it is deleted afterwards."""
    copied = Path(shutil.copytree(EXAMPLES / "kustomize", tmp_path / "lengths"))
    kubectl.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: team}")
    yield copied
    kubectl("delete", "bpj", "--all", "--namespace=team")
    kubectl("delete", "configmap", "--selector=!kubernetes.io/none", "--namespace=team")


def built(folder: Path, kubectl: Kubectl) -> dict[str, dict[str, Any]]:
    made = yaml.safe_load_all(kubectl("kustomize", str(folder)))
    return {one["kind"]: one for one in made}


def edited(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def stored(kubectl: Kubectl) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in kubectl.objects("bpj", "team")}


def test_job_and_reference_have_the_name_of_the_config_map(folder: Path, kubectl: Kubectl) -> None:
    made = built(folder, kubectl)
    name = made["ConfigMap"]["metadata"]["name"]
    assert name.startswith("lengths-")
    assert f"batchprocessjob.batchprocess.dev/{name} serverside" in read_page("gitops.md")
    body = BatchProcessJob.model_validate(made["BatchProcessJob"])
    assert body.spec.source is not None
    assert (body.metadata.name, body.spec.source.config_map) == (name, name)


def test_so_it_is_with_a_suffix_a_generated_secret_and_in_an_overlay(
    folder: Path, kubectl: Kubectl
) -> None:
    secret = "secretGenerator: [{name: s3-creds, literals: [AWS_ACCESS_KEY_ID=a]}]\n"
    edited(folder, "kustomization.yaml", "# nameSuffix: -v2", f"nameSuffix: -v2\n{secret}")
    over = folder.parent / "over"
    over.mkdir()
    (over / "kustomization.yaml").write_text("resources: [../lengths]\nnamePrefix: eu-\n")
    made = built(over, kubectl)
    job, name = made["BatchProcessJob"], made["ConfigMap"]["metadata"]["name"]
    assert name.startswith("eu-lengths-v2-")
    assert (job["metadata"]["name"], job["spec"]["source"]["configMap"]) == (name, name)
    credentials = job["spec"]["output"]["s3"]["credentialsSecret"]
    assert credentials == made["Secret"]["metadata"]["name"]
    assert credentials.startswith("eu-s3-creds-v2-")


def test_an_image_of_a_kustomization_is_that_of_the_job(folder: Path, kubectl: Kubectl) -> None:
    image = "images: [{name: registry.example/team/batchprocess-worker, newTag: v7}]"
    edited(folder, "kustomization.yaml", "# nameSuffix: -v2", image)
    made = built(folder, kubectl)["BatchProcessJob"]
    assert made["spec"]["image"] == "registry.example/team/batchprocess-worker:v7"


def test_new_code_is_a_new_job_beside_the_old_one(folder: Path, kubectl: Kubectl) -> None:
    kubectl(*SERVER_SIDE, str(folder))
    (before,) = stored(kubectl)
    edited(folder, "lengths.py", "len(line)", "len(line.strip())")
    kubectl(*SERVER_SIDE, str(folder))
    both = stored(kubectl)
    assert len(both) == 2
    assert {one["spec"]["source"]["configMap"] for one in both.values()} == both.keys()
    assert before in both


@pytest.mark.parametrize(
    "options", [("apply", "--kustomize"), SERVER_SIDE], ids=["client", "server"]
)
def test_another_change_of_the_job_is_refused_until_its_name_is_another(
    options: tuple[str, ...], folder: Path, kubectl: Kubectl
) -> None:
    kubectl(*options, str(folder))
    edited(folder, "job.yaml", "shards: 64", "shards: 65")
    with pytest.raises(ClusterError, match=r"spec\.shards"):
        kubectl(*options, str(folder))
    edited(folder, "kustomization.yaml", "# nameSuffix: -v2", "nameSuffix: -v2")
    kubectl(*options, str(folder))
    assert sorted(one["spec"]["shards"] for one in stored(kubectl).values()) == [64, 65]


def test_without_the_reference_of_its_own_name_new_code_is_refused(
    folder: Path, kubectl: Kubectl
) -> None:
    edited(
        folder, "name-references.yaml", "      - {kind: BatchProcessJob, path: metadata/name}\n", ""
    )
    kubectl(*SERVER_SIDE, str(folder))
    edited(folder, "lengths.py", "len(line)", "len(line.strip())")
    with pytest.raises(ClusterError, match=r"spec\.source"):
        kubectl(*SERVER_SIDE, str(folder))


def test_a_git_tool_and_the_operator_own_different_fields_and_never_fight(
    folder: Path, kubectl: Kubectl, control_plane: testcluster.ControlPlane
) -> None:
    kubectl(*SERVER_SIDE, str(folder))
    (name,) = stored(kubectl)
    with operator_process(control_plane, "gitops-operator"):
        told = "--output=jsonpath={.status.conditions[?(@.type=='Running')].reason}"
        until("it is looked at", lambda: kubectl("get", "bpj", name, "-nteam", told) == "Pending")
        kubectl("scale", "bpj", name, "--namespace=team", "--replicas=3")
        seen = "--output=jsonpath={.metadata.generation}={.status.observedGeneration}"
        until("the scale is seen", lambda: kubectl("get", "bpj", name, "-nteam", seen) == "2=2")
        applied = stored(kubectl)[name]
        # Without --force-conflicts, which would hide a fight.
        assert "serverside-applied" in kubectl(*SERVER_SIDE, str(folder))
        again = stored(kubectl)[name]
    assert kubectl("diff", "--server-side", MANAGER, "--kustomize", str(folder)) == ""
    assert again["spec"] == applied["spec"]
    assert again["spec"]["parallelism"] == 3
    assert again["metadata"]["generation"] == 2
    owned = kubectl("get", "bpj", name, "-nteam", "--show-managed-fields", "--output=yaml")
    fields = yaml.safe_load(owned)["metadata"]["managedFields"]
    ours = [one for one in fields if one.get("subresource") == "status"]
    assert ours
    assert all(one["fieldsV1"].keys() == {"f:status"} for one in ours)
    (theirs,) = [one for one in fields if one["manager"] == "kustomize-controller"]
    assert theirs["operation"] == "Apply"
    assert "f:parallelism" not in theirs["fieldsV1"]["f:spec"]
