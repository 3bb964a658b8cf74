"""People with service accounts of a real API server, and an operator with a page for them."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import testcluster
from support.job_cases import job, spec
from support.kube.helm import rendered
from support.operator.process import OperatorProcess, operator_process
from testcluster.errors import ClusterError
from testcluster.machine.ports import free_port
from testcluster.machine.waiting import until

USER = "page-operator"
JOBS = {"team-a": "captions", "team-b": "faces"}
PEOPLE = ("everywhere", "only-a", "nothing")
"""Whoever may view all, only one namespace, and nothing."""


def give_rights(kubectl: testcluster.Kubectl) -> None:
    """The chart's: those of the operator with the page to USER, and the roles for people."""
    chart = rendered(page__enabled=True)
    roles = [one for one in chart if one["kind"] == "ClusterRole"]
    kubectl.apply(_list([*roles, *_bindings(roles)]))


def _bindings(roles: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of the operator's own roles: others are for people."""
    for role in roles:
        labels = role["metadata"]["labels"]
        if not [one for one in labels if "aggregate-to" in one]:
            yield {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"test-{role['metadata']['name']}"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": role["metadata"]["name"],
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}
                ],
            }


def _list(items: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def make_people(kubectl: testcluster.Kubectl) -> None:
    """Namespaces with a job each, and accounts with what they may read."""
    for namespace, name in JOBS.items():
        kubectl("create", "namespace", namespace)
        made = job(spec(), name)
        made["metadata"]["namespace"] = namespace
        kubectl.apply(json.dumps(made))
    for person in PEOPLE:
        kubectl("create", "serviceaccount", person)
    view = ("--clusterrole=view", "--serviceaccount=default:")
    kubectl("create", "clusterrolebinding", "everywhere", view[0], f"{view[1]}everywhere")
    kubectl("create", "rolebinding", "only-a", *(view[0], f"{view[1]}only-a"), "--namespace=team-a")
    who = "system:serviceaccount:default:only-a"
    until("they may", lambda: may(kubectl, who, "list", "bpj", "--namespace=team-a"))


def may(kubectl: testcluster.Kubectl, user: str, *asked: str) -> bool:
    """Whether the API server would let them."""
    try:
        return kubectl("auth", "can-i", *asked, f"--as={user}").strip() == "yes"
    except ClusterError:
        return False


def token(kubectl: testcluster.Kubectl, person: str) -> str:
    """A token of the person for the API server."""
    return kubectl("create", "token", person).strip()


@contextlib.contextmanager
def page_for_people(
    plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[tuple[int, OperatorProcess]]:
    """The port of the page, and the operator that serves it."""
    give_rights(kubectl)
    make_people(kubectl)
    port = free_port()
    with operator_process(plane, USER, "page:operators", PAGE_PORT=str(port)) as running:
        yield port, running
