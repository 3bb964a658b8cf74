"""A real Kubernetes control plane: etcd, API server, controller manager, scheduler. No root."""

import contextlib
import functools
import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testcluster.kubernetes.kubectl import Kubectl
from testcluster.kubernetes.pki import Authority
from testcluster.machine.files import delete
from testcluster.machine.ports import answers, free_port
from testcluster.machine.programs import Program, Programs
from testcluster.machine.waiting import until
from testcluster.tools import built

CLIENTS: Mapping[str, tuple[str, str | None]] = {
    "admin": ("admin", "system:masters"),
    "api-server-to-kubelet": ("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", None),
    "scheduler": ("system:kube-scheduler", None),
}


@dataclass(frozen=True)
class Settings:
    """Where a control plane listens, and flags beyond the usual ones.

    `address` is where the API server listens; if `reachable`, pods find it behind the service
    `kubernetes` (an API server on loopback cannot be an endpoint). `flags` are by program name:
    {"kube-controller-manager": ["--node-monitor-grace-period=20s"]}.
    """

    address: str = "127.0.0.1"
    reachable: bool = False
    services: str = "10.96.0.0/16"
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)


class ControlPlane:
    """A running control plane; `programs` stops and starts its parts one by one."""

    def __init__(self, programs: Programs, settings: Settings) -> None:
        self.programs = programs
        self.settings = settings
        self.folder = programs.folder
        self.url = f"https://{settings.address}:{free_port(settings.address)}"
        self.authority = Authority(self.folder / "pki")
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubectl = Kubectl(self.kubeconfig)

    def start(self) -> None:
        """Start all parts and wait until pods can be created."""
        self._write_pki()
        etcd = f"http://127.0.0.1:{free_port()}"
        self.programs.run(self._etcd(etcd))
        self.programs.run(self._api_server(etcd))
        self.programs.run(self._controller_manager())
        self.programs.run(self._scheduler())
        until(
            "the service account default/default exists",
            lambda: bool(self.kubectl.names("serviceaccounts", namespace="default")),
        )

    def client(self, name: str, user: str, group: str | None = None) -> Path:
        """A new kubeconfig, `NAME.kubeconfig`, for a user in a group, known by a certificate."""
        self.authority.issue(name, user, group)
        return self.authority.kubeconfig(self.folder / f"{name}.kubeconfig", self.url, name)

    def _write_pki(self) -> None:
        services = ipaddress.ip_network(self.settings.services)
        names = [".".join(("kubernetes", "default", "svc")[:n]) for n in (1, 2, 3)]
        hosts = ["localhost", *names, self.settings.address, str(services[1])]
        self.authority.issue("api-server", "kube-apiserver", hosts=hosts)
        self.authority.service_account_key()
        for name, (user, group) in CLIENTS.items():
            self.client(name, user, group)
        self.authority.kubeconfig(self.kubeconfig, self.url, "admin")

    def _etcd(self, url: str) -> Program:
        peer = f"http://127.0.0.1:{free_port()}"
        flags = [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # a crash of the machine is the end of this cluster anyway
            "--log-level=warn",
        ]
        return self._program("etcd", flags, functools.partial(answers, f"{url}/readyz"))

    def _api_server(self, etcd: str) -> Program:
        pki = self.authority.folder
        reconciler = "lease" if self.settings.reachable else "none"
        flags = [
            f"--etcd-servers={etcd}",
            f"--bind-address={self.settings.address}",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--endpoint-reconciler-type={reconciler}",
            f"--service-cluster-ip-range={self.settings.services}",
            f"--client-ca-file={self.authority.certificate}",
            f"--tls-cert-file={pki / 'api-server.crt'}",
            f"--tls-private-key-file={pki / 'api-server.key'}",
            f"--kubelet-client-certificate={pki / 'api-server-to-kubelet.crt'}",
            f"--kubelet-client-key={pki / 'api-server-to-kubelet.key'}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'service-accounts.key'}",
            f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        ]
        ready = functools.partial(answers, f"{self.url}/readyz", self.authority.certificate)
        return self._program("kube-apiserver", flags, ready)

    def _controller_manager(self) -> Program:
        pki = self.authority.folder
        flags = [
            f"--service-account-private-key-file={pki / 'service-accounts.key'}",
            f"--root-ca-file={self.authority.certificate}",
            "--use-service-account-credentials",
            # Its client stops at 20 requests a second by default: that would be what we measure.
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--concurrent-job-syncs=20",
        ]
        return self._controller("kube-controller-manager", "controller-manager", flags)

    def _scheduler(self) -> Program:
        flags = ["--kube-api-qps=300", "--kube-api-burst=600"]
        return self._controller("kube-scheduler", "scheduler", flags)

    def _controller(self, name: str, client: str, flags: Sequence[str]) -> Program:
        kubeconfig = self.folder / f"{client}.kubeconfig"
        port = free_port()
        common = [
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--leader-elect=false",
        ]
        ready = functools.partial(answers, f"https://127.0.0.1:{port}/healthz")
        return self._program(name, [*common, *flags], ready)

    def _program(self, name: str, flags: Sequence[str], ready: Callable[[], bool]) -> Program:
        more = self.settings.flags.get(name, ())
        return Program(name, (built("testcluster"), name, *flags, *more), ready)


@contextlib.contextmanager
def control_plane(folder: Path, settings: Settings | None = None) -> Iterator[ControlPlane]:
    """A control plane alone, with all its files in an empty `folder`; ended on leaving.

    Jobs get their pods and pods stay Pending: there is no node (`played_nodes.py` has played ones).
    Raises ClusterError if a part does not start.
    """
    programs = Programs(folder)
    try:
        plane = ControlPlane(programs, settings or Settings())
        plane.start()
        yield plane
    finally:
        programs.kill_all()
        delete(folder / "etcd")
