"""Flux beside a control plane: its source-controller and its kustomize-controller as processes."""

import functools
from pathlib import Path
from typing import Any

import yaml

from testcluster import ControlPlane
from testcluster.machine.ports import answers, free_port
from testcluster.machine.programs import Program
from testcluster.machine.waiting import until
from testcluster.tools import built

NAMESPACE = "flux-system"
SOURCES, KUSTOMIZE = "source-controller", "kustomize-controller"
NEXT_AT_ONCE = "CancelHealthCheckOnNewRevision"
"""The gate with which a commit does not wait until the health checks of the one before are over."""


def start_flux(plane: ControlPlane) -> None:
    """Its CRDs and both controllers; they are ready."""
    crds = Path(built("flux.yaml")).read_text()
    # Too large for what kubectl notes of an object that it applies.
    plane.kubectl("create", "--filename=-", stdin=crds)
    plane.kubectl.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}")
    served = ("gitrepositories", "kustomizations")
    until("they are served", lambda: all(one in plane.kubectl("api-resources") for one in served))
    plane.client("flux", "flux", "system:masters")
    folder = plane.folder / "sources"
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    flags = (f"--storage-path={folder}", f"--storage-addr={address}")
    _start(plane, SOURCES, *flags, f"--storage-adv-addr={address}")
    start_kustomize(plane)


def start_kustomize(plane: ControlPlane, *gates: str) -> None:
    """What applies; with these gates open. It is ready."""
    opened = ",".join(f"{gate}=true" for gate in gates)
    _start(plane, KUSTOMIZE, *([f"--feature-gates={opened}"] if gates else []))


def _start(plane: ControlPlane, name: str, *flags: str) -> None:
    health = f"127.0.0.1:{free_port()}"
    environ = (f"KUBECONFIG={plane.folder / 'flux.kubeconfig'}", f"RUNTIME_NAMESPACE={NAMESPACE}")
    own = (f"--health-addr={health}", f"--metrics-addr=127.0.0.1:{free_port()}")
    ready = functools.partial(answers, f"http://{health}/readyz")
    argv = ("/usr/bin/env", *environ, f"HOME={plane.folder}", built(name), *own, *flags)
    plane.programs.run(Program(name, argv, ready))


def git_repository(name: str, url: str) -> str:
    """The object that has Flux look at a repository each second."""
    spec = {"interval": "1s", "url": url, "ref": {"branch": "main"}}
    return _object("source.toolkit.fluxcd.io/v1", "GitRepository", name, spec)


def kustomization(name: str, spec: dict[str, Any]) -> str:
    """The object that has Flux apply a folder of it."""
    return _object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, spec)


def _object(version: str, kind: str, name: str, spec: dict[str, Any]) -> str:
    meta = {"name": name, "namespace": NAMESPACE}
    made = {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
    return yaml.safe_dump(made)
