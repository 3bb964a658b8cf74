"""The endpoint's CA lives as long as anybody pins it; its leaf is renewed in time."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from batchprocess_operator.endpoint.certificates import (
    CA_CERT,
    CA_KEY,
    LEAF_CERT,
    LEAF_KEY,
    Pair,
    make_ca,
    make_leaf,
    names_of,
    renewed,
)
from support.operator.handshake import shake_hands

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NAMES = ("progress.system.svc", "10.0.0.7")


def days(count: float) -> timedelta:
    return timedelta(days=count)


@pytest.fixture
def data() -> dict[str, bytes]:
    made = renewed({}, NAMES, NOW)
    assert made is not None
    return made


def leaf_of(data: dict[str, bytes]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(data[LEAF_CERT])


def test_an_empty_secret_gets_a_ca_for_ten_years_and_a_leaf_for_the_names(data):
    assert set(data) == {CA_CERT, CA_KEY, LEAF_CERT, LEAF_KEY}
    ca = x509.load_pem_x509_certificate(data[CA_CERT])
    assert ca.not_valid_after_utc - NOW == days(3_650)
    leaf = leaf_of(data)
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["progress.system.svc"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.0.0.7")]


def test_good_data_is_left_alone_for_two_months(data):
    for age in (0, 1, 59):
        assert renewed(data, NAMES, NOW + days(age)) is None


def test_the_leaf_is_renewed_a_month_before_its_end_under_the_same_ca(data):
    later = renewed(data, NAMES, NOW + days(60))
    assert (later[CA_CERT], later[CA_KEY]) == (data[CA_CERT], data[CA_KEY])
    assert leaf_of(later).not_valid_after_utc == NOW + days(150)
    assert renewed(later, NAMES, NOW + days(60)) is None


def test_over_nine_years_of_renewals_the_ca_stays_the_same(data):
    now, known = NOW, data
    while now < NOW + days(365 * 9):
        now += days(20)
        known = renewed(known, NAMES, now) or known
        assert known[CA_CERT] == data[CA_CERT]
        assert now + days(29) < leaf_of(known).not_valid_after_utc


def test_a_ca_that_would_end_before_its_leaf_is_replaced(data):
    later = renewed(data, NAMES, NOW + days(3_650 - 89))
    assert later[CA_CERT] != data[CA_CERT]


def test_another_address_gets_another_leaf_under_the_same_ca(data):
    moved = renewed(data, ("elsewhere.example",), NOW)
    assert moved[CA_CERT] == data[CA_CERT]
    assert moved[LEAF_CERT] != data[LEAF_CERT]
    assert renewed(data, NAMES[:1], NOW) is None


@pytest.mark.parametrize("key", [LEAF_CERT, LEAF_KEY])
@pytest.mark.parametrize("value", [None, b"", b"junk"])
def test_a_damaged_leaf_is_made_anew_under_the_same_ca(data, key, value):
    repaired = renewed(damaged(data, key, value), NAMES, NOW)
    assert repaired[CA_CERT] == data[CA_CERT]
    assert renewed(repaired, NAMES, NOW) is None


@pytest.mark.parametrize("key", [CA_CERT, CA_KEY])
@pytest.mark.parametrize("value", [None, b"", b"junk"])
def test_a_damaged_ca_is_made_anew(data, key, value):
    repaired = renewed(damaged(data, key, value), NAMES, NOW)
    assert renewed(repaired, NAMES, NOW) is None


def damaged(data, key, value):
    left = {name: one for name, one in data.items() if name != key}
    return left if value is None else left | {key: value}


def test_parts_of_two_pairs_are_not_taken_for_one(data):
    other = renewed({}, NAMES, NOW)
    for key in (CA_CERT, CA_KEY, LEAF_CERT, LEAF_KEY):
        repaired = renewed(data | {key: other[key]}, NAMES, NOW)
        assert repaired is not None
        assert renewed(repaired, NAMES, NOW) is None
    foreign_leaf = data | {LEAF_CERT: other[LEAF_CERT], LEAF_KEY: other[LEAF_KEY]}
    assert renewed(foreign_leaf, NAMES, NOW)[CA_CERT] == data[CA_CERT]


def test_a_key_of_another_kind_is_replaced_and_not_stumbled_over(data):
    strange = rsa.generate_private_key(65_537, 2_048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    assert renewed(data | {LEAF_KEY: strange}, NAMES, NOW) is not None


def test_a_key_under_a_password_is_replaced_and_not_stumbled_over(data):
    locked = Pair.read(data[CA_CERT], data[CA_KEY]).key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    assert renewed(data | {CA_KEY: locked}, NAMES, NOW) is not None


def test_the_chain_passes_the_strictest_check_of_openssl(data, tmp_path):
    now = datetime.now(UTC)
    ca = make_ca(now)
    leaf = make_leaf(ca, ["localhost"], now)
    client, server = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    )
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_verify_locations(cadata=ca.cert_pem().decode())
    (tmp_path / "leaf.pem").write_bytes(leaf.cert_pem() + leaf.key_pem())
    server.load_cert_chain(tmp_path / "leaf.pem")
    shake_hands(client, server, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, server, "elsewhere")


def test_the_ca_may_sign_nothing_but_leaves(data):
    ca = Pair.read(data[CA_CERT], data[CA_KEY]).certificate
    limits = ca.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)
    assert ca.signature_hash_algorithm.name == hashes.SHA256.name


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://progress.system.svc:8443", "progress.system.svc"),
        ("https://10.0.0.7:8443/below", "10.0.0.7"),
        ("https://[::1]:8443", "::1"),
    ],
)
def test_the_leaf_is_for_the_host_that_workers_are_given(url, host):
    assert names_of(url) == (host,)


def test_an_address_without_host_is_named():
    with pytest.raises(ValueError, match="found 'progress:8443'"):
        names_of("progress:8443")
