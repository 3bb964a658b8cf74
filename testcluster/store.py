"""An S3 server beside a cluster, and in the cluster what a job needs to use it.

Pods reach it as http://s3.default.svc, whatever the cluster's number is, so a job file can name it.
"""

import functools
import json
import secrets
from dataclasses import dataclass
from typing import Any

from testcluster.machine.ports import free_port, listens
from testcluster.machine.programs import Program
from testcluster.tools import built, installed
from testcluster.whole import Cluster

BUCKET, SERVICE, SECRET = "work", "s3", "s3-creds"
NAMESPACE = "default"


@dataclass(frozen=True)
class Store:
    """How the machine reaches it; pods use the Secret and the Service."""

    address: str
    port: int
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """What AWS's own tools, and ours, take the address and the keys from."""
        return {
            "AWS_ENDPOINT_URL": f"http://{self.address}:{self.port}",
            "AWS_REGION": "us-east-1",
            **self.keys(),
        }

    def keys(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}


def start_store(cluster: Cluster) -> Store:
    """Start versitygw with an empty bucket; it is one of the cluster's programs and ends with them.

    Raises ClusterError if it does not start.
    """
    folder, address = cluster.programs.folder / "s3", cluster.host_address
    (folder / BUCKET).mkdir(parents=True)
    store = Store(address, free_port(address), secrets.token_hex(8), secrets.token_hex(16))
    keys = (f"ROOT_ACCESS_KEY={store.access_key}", f"ROOT_SECRET_KEY={store.secret_key}")
    flags = ("--quiet", "--port", f"{address}:{store.port}", "posix", str(folder))
    # By the environment, for the command line of a process is everybody's to read.
    argv = (installed("env"), *keys, built("versitygw"), *flags)
    ready = functools.partial(listens, address, store.port)
    cluster.programs.run(Program("versitygw", argv, ready))
    cluster.kubectl.apply(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": _objects(store)})
    )
    return store


def _objects(store: Store) -> list[dict[str, Any]]:
    """Bucket and keys for jobs; a Service without pods behind it, and where it leads instead."""
    port = {"name": "s3", "port": store.port}
    slice_labels = {"kubernetes.io/service-name": SERVICE}
    return [
        _object("v1", "Secret", SECRET, stringData=store.keys()),
        _object("v1", "Service", SERVICE, spec={"ports": [port | {"port": 80}]}),
        _object(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            SERVICE,
            labels=slice_labels,
            addressType="IPv4",
            ports=[port],
            endpoints=[{"addresses": [store.address]}],
        ),
    ]


def _object(
    api: str, kind: str, name: str, labels: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}
