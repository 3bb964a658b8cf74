"""Addresses of the objects that the client touches. Names were checked before: see `names`."""

from batchprocess.protocol.job_object import GROUP, PLURAL, VERSION


def job_objects(namespace: str) -> str:
    """The collection of BatchProcessJobs of a namespace."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"


def job_object(namespace: str, name: str) -> str:
    """One BatchProcessJob."""
    return f"{job_objects(namespace)}/{name}"


def config_maps(namespace: str) -> str:
    """The collection of ConfigMaps of a namespace."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


def config_map(namespace: str, name: str) -> str:
    """One ConfigMap."""
    return f"{config_maps(namespace)}/{name}"


def child_jobs(namespace: str) -> str:
    """The collection of Jobs of a namespace."""
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def child_job(namespace: str, name: str) -> str:
    """One Job."""
    return f"{child_jobs(namespace)}/{name}"


def pods(namespace: str) -> str:
    """The collection of Pods of a namespace."""
    return f"/api/v1/namespaces/{namespace}/pods"


def pod(namespace: str, name: str) -> str:
    """One Pod."""
    return f"{pods(namespace)}/{name}"


def pod_log(namespace: str, name: str) -> str:
    """The log of one Pod."""
    return f"{pod(namespace, name)}/log"
