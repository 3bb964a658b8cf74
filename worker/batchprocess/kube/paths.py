"""Addresses of the objects that clients and the operator touch. Pure.

Names are checked before: what is in one goes into the address as it is.
"""

from batchprocess.protocol.job_object import GROUP, PLURAL, VERSION


def job_objects(namespace: str | None = None) -> str:
    """The collection of BatchProcessJobs, of one namespace or of all."""
    return _collection(f"/apis/{GROUP}/{VERSION}", namespace, PLURAL)


def job_object(namespace: str, name: str) -> str:
    """One BatchProcessJob."""
    return f"{job_objects(namespace)}/{name}"


def served_schema() -> str:
    """The OpenAPI document of our group, with the defaults that are filled in."""
    return f"/openapi/v3/apis/{GROUP}/{VERSION}"


def child_jobs(namespace: str | None = None) -> str:
    """The collection of Jobs."""
    return _collection("/apis/batch/v1", namespace, "jobs")


def child_job(namespace: str, name: str) -> str:
    """One Job."""
    return f"{child_jobs(namespace)}/{name}"


def pods(namespace: str | None = None) -> str:
    """The collection of Pods."""
    return _collection("/api/v1", namespace, "pods")


def pod(namespace: str, name: str) -> str:
    """One Pod."""
    return f"{pods(namespace)}/{name}"


def pod_log(namespace: str, name: str) -> str:
    """The log of one Pod."""
    return f"{pod(namespace, name)}/log"


def config_maps(namespace: str) -> str:
    """The collection of ConfigMaps of a namespace."""
    return _collection("/api/v1", namespace, "configmaps")


def config_map(namespace: str, name: str) -> str:
    """One ConfigMap."""
    return f"{config_maps(namespace)}/{name}"


def events(namespace: str) -> str:
    """The collection of Events."""
    return _collection("/api/v1", namespace, "events")


def node(name: str) -> str:
    """One Node."""
    return f"/api/v1/nodes/{name}"


def _collection(api: str, namespace: str | None, plural: str) -> str:
    return f"{api}/{plural}" if namespace is None else f"{api}/namespaces/{namespace}/{plural}"
