"""A cluster's certificates: who they name, where they may serve, and who may read the keys."""

import ipaddress
import ssl
from base64 import b64decode
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from testcluster.kubernetes.pki import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def _issued(authority: Authority, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((authority.folder / f"{name}.crt").read_bytes())


def _named(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str | bytes]:
    return [one.value for one in certificate.subject.get_attributes_for_oid(oid)]


def _hosts(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_client_is_its_user_in_its_group(authority: Authority) -> None:
    authority.issue("kubelet", "system:node:node-1", "system:nodes")

    certificate = _issued(authority, "kubelet")
    assert _named(certificate, NameOID.COMMON_NAME) == ["system:node:node-1"]
    assert _named(certificate, NameOID.ORGANIZATION_NAME) == ["system:nodes"]
    certificate.verify_directly_issued_by(
        x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    )


def test_a_client_without_a_group_is_in_none_of_kubernetes(authority: Authority) -> None:
    authority.issue("scheduler", "system:kube-scheduler")

    (group,) = _named(_issued(authority, "scheduler"), NameOID.ORGANIZATION_NAME)
    assert not str(group).startswith("system:")


def test_a_server_may_serve_as_names_and_addresses(authority: Authority) -> None:
    authority.issue("api-server", "kube-apiserver", hosts=["localhost", "10.96.0.1"])

    hosts = _hosts(_issued(authority, "api-server"))
    assert hosts.get_values_for_type(x509.DNSName) == ["localhost"]
    assert hosts.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.96.0.1")]


def test_no_certificate_is_without_a_host_for_go_refuses_such(authority: Authority) -> None:
    authority.issue("admin", "admin", "system:masters")

    assert len(_hosts(_issued(authority, "admin"))) == 1


def test_keys_belong_to_their_certificates_and_to_their_owner_only(authority: Authority) -> None:
    authority.issue("admin", "admin", "system:masters")

    for key in (authority.folder / "admin.key", authority.service_account_key()):
        assert key.stat().st_mode & 0o777 == 0o600
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(authority.folder / "admin.crt", authority.folder / "admin.key")


def test_tokens_are_signed_with_an_rsa_key(authority: Authority) -> None:
    key = load_pem_private_key(authority.service_account_key().read_bytes(), None)

    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048


def test_a_kubeconfig_needs_no_other_file(authority: Authority, tmp_path: Path) -> None:
    authority.issue("eve", "eve", "developers")

    written = authority.kubeconfig(tmp_path / "eve.kubeconfig", "https://10.0.0.1:6443", "eve")

    assert written.stat().st_mode & 0o777 == 0o600
    config = yaml.safe_load(written.read_text())
    user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
    for said, file in (
        (user["client-certificate-data"], "eve.crt"),
        (user["client-key-data"], "eve.key"),
        (cluster["certificate-authority-data"], "ca.crt"),
    ):
        assert b64decode(said) == (authority.folder / file).read_bytes()
