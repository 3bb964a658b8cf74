"""Child Jobs as manifests, and what is looked for in them."""

from typing import Any

from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from batchprocess_operator.model.report_address import ReportAddress
from support.operator.objects import job

ADDRESS = ReportAddress("https://operator.system.svc:8443", "-----BEGIN CERTIFICATE-----\n")


def worker(todo=None, address=None, **spec: Any) -> dict[str, Any]:
    one = job(**spec)
    return worker_job(one.body, one.identity, address, todo)


def finalizer(**spec: Any) -> dict[str, Any]:
    one = job(**spec)
    return finalizer_job(one.body, one.identity)


def pod_of(made: dict[str, Any]) -> dict[str, Any]:
    return made["spec"]["template"]["spec"]


def container_of(made: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod_of(made)["containers"]
    return only


def env_of(made: dict[str, Any]) -> dict[str, Any]:
    entries = container_of(made)["env"]
    assert len({one["name"] for one in entries}) == len(entries), "a name is given twice"
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in entries}


def mounts_of(made: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["mountPath"] for one in container_of(made)["volumeMounts"]}


def volumes_of(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in pod_of(made)["volumes"]}


def template(**spec: Any) -> dict[str, Any]:
    return {"template": {"spec": spec}}
