"""Certificates and kubeconfigs of one test cluster."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import trustme
import yaml


class Authority:
    """The cluster's certificate authority; writes `NAME.crt` and `NAME.key` into its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(self.certificate)

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    def issue(
        self, name: str, user: str, group: str | None = None, hosts: Sequence[str] = ()
    ) -> None:
        """Write a certificate for a client `user` in a group, who may also serve as `hosts`.

        Without a group, trustme's own name stands in its place: no role is bound to that.
        """
        # Without any host Kubernetes refuses it: an empty list of them would be marked critical.
        names = hosts or [name]
        leaf = self._ca.issue_cert(*names, common_name=user, organization_name=group)
        leaf.cert_chain_pems[0].write_to_path(self.folder / f"{name}.crt")
        _write_private(self.folder / f"{name}.key", leaf.private_key_pem.bytes())

    def service_account_key(self) -> Path:
        """Write the key that signs pods' tokens; RSA, for RS256 is what most clusters sign with."""
        leaf = self._ca.issue_cert("service-accounts", key_type=trustme.KeyType.RSA)
        path = self.folder / "service-accounts.key"
        _write_private(path, leaf.private_key_pem.bytes())
        return path

    def kubeconfig(self, path: Path, server: str, name: str) -> Path:
        """Write a kubeconfig that holds the certificate issued under `name`, and needs no file."""
        user = {
            "client-certificate-data": _encoded(self.folder / f"{name}.crt"),
            "client-key-data": _encoded(self.folder / f"{name}.key"),
        }
        cluster = {"server": server, "certificate-authority-data": _encoded(self.certificate)}
        context = {"cluster": "test", "user": name, "namespace": "default"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        }
        _write_private(path, yaml.safe_dump(config).encode())
        return path


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
