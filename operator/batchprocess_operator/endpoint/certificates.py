"""The endpoint's own CA and certificate, as PEM. Pure but for drawing keys: time is an argument.

Workers pin the CA when their Job is created and run for days, so it stays for ten years. The leaf
is short-lived and renewed long before its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_CERT, CA_KEY, LEAF_CERT, LEAF_KEY = "ca.crt", "ca.key", "tls.crt", "tls.key"
"""Keys of the Secret's data, spelled as cert-manager does."""
_CA_LIFE = timedelta(days=3_650)
_LEAF_LIFE = timedelta(days=90)
_RENEW_BEFORE = timedelta(days=30)
_BACKDATED = timedelta(hours=1)
"""A worker's clock may be behind ours."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def read(cls, certificate: bytes, key: bytes) -> Self:
        """From PEM. ValueError if either cannot be read or they do not belong together."""
        cert = x509.load_pem_x509_certificate(certificate)
        try:
            private = serialization.load_pem_private_key(key, password=None)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(f"the private key cannot be used: {error}") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("the private key is not one that the operator makes")  # noqa: TRY004
        if private.public_key() != cert.public_key():
            raise ValueError("certificate and private key do not belong together")
        return cls(cert, private)

    def cert_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """The private key as PEM, not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def names_of(url: str) -> tuple[str, ...]:
    """What the leaf must be valid for: the host in the address that workers are given."""
    host = urlsplit(url).hostname
    if host is None:
        raise ValueError(f"the progress address must be https://host:port, found {url!r}")
    return (host,)


def renewed(
    data: Mapping[str, bytes], names: Sequence[str], now: datetime
) -> dict[str, bytes] | None:
    """What the Secret's data should be, or None if it is good as it is. `now` with a time zone.

    Keeps the CA while it can be read and outlives a new leaf: running workers trust no other.
    """
    ca = _usable_ca(data, now)
    if ca is not None and _leaf_is_good(data, ca, names, now):
        return None
    ca = ca or make_ca(now)
    leaf = make_leaf(ca, names, now)
    return {
        CA_CERT: ca.cert_pem(),
        CA_KEY: ca.key_pem(),
        LEAF_CERT: leaf.cert_pem(),
        LEAF_KEY: leaf.key_pem(),
    }


def make_ca(now: datetime) -> Pair:
    """A CA that may sign leaves only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "batchprocess progress endpoint CA")])
    builder = (
        _builder(name, name, key.public_key(), (now - _BACKDATED, now + _CA_LIFE))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_leaf(ca: Pair, names: Sequence[str], now: datetime) -> Pair:
    """A server certificate for host names and IP addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "batchprocess progress endpoint")])
    issuer = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)
    span = (now - _BACKDATED, now + _LEAF_LIFE)
    server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = (
        _builder(subject, ca.certificate.subject, key.public_key(), span)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(server, critical=False)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(authority, critical=False)
    )
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def _usable_ca(data: Mapping[str, bytes], now: datetime) -> Pair | None:
    try:
        ca = Pair.read(data[CA_CERT], data[CA_KEY])
    except (KeyError, ValueError):
        return None
    cert = ca.certificate
    lasts = cert.not_valid_before_utc <= now and now + _LEAF_LIFE <= cert.not_valid_after_utc
    return ca if lasts else None


def _leaf_is_good(data: Mapping[str, bytes], ca: Pair, names: Sequence[str], now: datetime) -> bool:
    try:
        cert = Pair.read(data[LEAF_CERT], data[LEAF_KEY]).certificate
        cert.verify_directly_issued_by(ca.certificate)
        covered = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (KeyError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    if not set(_general(names)) <= set(covered):
        return False
    return cert.not_valid_before_utc <= now < cert.not_valid_after_utc - _RENEW_BEFORE


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    span: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
