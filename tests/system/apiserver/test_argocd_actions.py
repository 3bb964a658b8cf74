"""What an API server makes of the patches that Argo CD's actions send."""

import json
import re
import shlex
from typing import Any

import pytest

from support.gitops import fake_argocd
from support.gitops.job_states import STATES
from support.job_cases import spec
from support.kube.job_server import JobServer
from support.pages import ROOT, read_page
from testcluster import ClusterError, Kubectl

pytestmark = pytest.mark.slow


def act(kubectl: Kubectl, made: dict[str, Any], action: str) -> str:
    patch = json.dumps(fake_argocd.patch(made, action))
    return kubectl("patch", "bpj", "digits", "--type=merge", f"--patch={patch}")


@pytest.mark.parametrize("state", [name for name, made in STATES.items() if made["status"]])
def test_the_judged_statuses_are_ones_that_the_api_server_takes(
    state: str, server: JobServer
) -> None:
    made = STATES[state]
    server.create(spec())
    stored = server.patch_status(made["status"])
    assert {k: v for k, v in stored["status"].items() if v != {}} == made["status"]


def test_each_action_changes_its_field_and_nothing_else(
    server: JobServer, kubectl: Kubectl
) -> None:
    odd = {"n": {}, "list": [], "big": 2**60 + 1, "tenth": 0.1, "deep": [{"a": {}}]}
    before = server.create(spec(hparams=odd))
    before = server.patch_status(STATES["shards failed"]["status"])
    wanted = dict(before["spec"])
    changes = {"suspend": {"suspend": True}, "resume": {"suspend": False}, "retry": {"retry": 1}}
    for action, change in changes.items():
        act(kubectl, server.get(), action)
        wanted |= change
        assert server.get()["spec"] == wanted


# `None` as a whole value would only be left out of `spec`.
NULLS = [
    ("failurePolicy", {"lostNodeSeconds": None}),
    ("failurePolicy", {"maxAttemptsWithoutProgress": None}),
    ("hparams", {"a": None, "b": 1}),
    ("hparams", {"a": None}),
    ("hparams", {"in": {"a": None}}),
    ("hparams", {"in": {"a": None, "b": 1}}),
]


@pytest.mark.parametrize(("field", "value"), NULLS)
def test_an_action_on_a_job_that_has_stored_a_null_is_refused(
    field: str, value: dict[str, Any], server: JobServer, kubectl: Kubectl
) -> None:
    stored = server.create(spec(**{field: value}))
    assert None in (*stored["spec"][field].values(), *stored["spec"][field].get("in", {}).values())
    with pytest.raises(ClusterError, match=rf"spec\.{field}"):
        act(kubectl, stored, "suspend")
    assert server.get()["spec"] == stored["spec"]


def test_the_page_has_a_command_that_puts_both_scripts_where_argo_cd_looks(
    kubectl: Kubectl,
) -> None:
    own = {"metadata": {"name": "argocd-cm", "namespace": "argocd"}, "data": {"url": "theirs"}}
    kubectl.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: argocd}")
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap"} | own))
    (line,) = re.findall(r"^kubectl (patch configmap argocd-cm .*)$", read_page("gitops.md"), re.M)
    *command, file = shlex.split(line)
    kubectl(*command, str(ROOT / file))
    data = kubectl.get("configmap", "argocd-cm", "argocd")["data"]
    assert data == {"url": "theirs"} | fake_argocd.CONFIG
