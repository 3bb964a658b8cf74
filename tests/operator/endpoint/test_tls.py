"""A new leaf is served without a restart, and nothing that cannot be served is taken."""

import asyncio
import math
import ssl
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from batchprocess.protocol.variables import PROGRESS_CA
from batchprocess_operator.endpoint.certificate_secret import (
    CertificateUnavailable,
    ensure,
    given,
    own,
)
from batchprocess_operator.endpoint.certificates import CA_CERT, CA_KEY, LEAF_CERT, LEAF_KEY
from batchprocess_operator.endpoint.tls import MAX_CA, LiveCertificate
from support.operator.fake_pods import FakeSecret
from support.operator.handshake import shake_hands

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NAMES = ("progress.system.svc",)


def test_a_renewed_leaf_is_taken_up_and_the_ca_told_to_workers_stays():
    moments = iter([NOW, NOW + timedelta(days=1), NOW + timedelta(days=61)])
    secret = FakeSecret()
    live = LiveCertificate(own(secret, NAMES, lambda: next(moments)))
    seen = []

    async def look():
        await live.refresh()
        seen.append((live.ca, secret.data[LEAF_CERT], live.context))

    for _ in range(3):
        asyncio.run(look())
    assert len({ca for ca, _, _ in seen}) == 1
    assert seen[0][1] == seen[1][1] != seen[2][1]
    assert len({id(context) for *_, context in seen}) == 1


def test_the_end_of_the_leaf_that_is_served_is_known():
    live = LiveCertificate(own(FakeSecret(), NAMES, lambda: NOW))
    assert math.isnan(live.expires)
    asyncio.run(live.refresh())
    days = (datetime.fromtimestamp(live.expires, UTC) - NOW).days
    assert 60 < days < 400


def test_new_connections_get_the_new_leaf_and_clients_that_pin_the_ca_accept_it():
    now = datetime.now(UTC)
    moments = iter([now - timedelta(days=61), now])
    live = LiveCertificate(own(FakeSecret(), NAMES, lambda: next(moments)))
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    seen = []
    for _ in range(2):
        asyncio.run(live.refresh())
        client.load_verify_locations(cadata=live.ca)
        seen.append(shake_hands(client, live.context, NAMES[0]))
    assert seen[0] != seen[1]
    assert len(client.get_ca_certs()) == 1


def test_looking_for_a_new_leaf_goes_on_after_a_failure(caplog):
    looked = []

    async def source():
        looked.append(1)
        raise CertificateUnavailable("connection refused")

    async def sleep(_seconds):
        if len(looked) == 3:
            raise asyncio.CancelledError

    live = LiveCertificate(source)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(live.keep_fresh(sleep))
    assert caplog.text.count("keeps its old certificate: connection refused") == 3


def test_a_certificate_given_by_somebody_else_is_used_and_never_written():
    secret = FakeSecret(asyncio.run(ensure(FakeSecret(), NAMES, NOW - timedelta(days=80))))
    del secret.data[CA_KEY]
    live = LiveCertificate(given(secret))
    asyncio.run(live.refresh())
    assert live.ca == secret.data[CA_CERT].decode()
    assert secret.writes == 0


@pytest.mark.parametrize("key", [CA_CERT, LEAF_CERT, LEAF_KEY])
def test_a_given_secret_that_lacks_something_is_refused_with_its_name(key):
    secret = FakeSecret(asyncio.run(ensure(FakeSecret(), NAMES, NOW)))
    secret.data[key] = b""
    with pytest.raises(CertificateUnavailable, match=key):
        asyncio.run(LiveCertificate(given(secret)).refresh())


def test_a_pair_that_does_not_fit_is_refused_and_the_old_one_is_served_on():
    secret = FakeSecret(asyncio.run(ensure(FakeSecret(), NAMES, NOW)))
    live = LiveCertificate(given(secret))
    asyncio.run(live.refresh())
    secret.data[LEAF_KEY] = asyncio.run(ensure(FakeSecret(), NAMES, NOW))[LEAF_KEY]
    with pytest.raises(CertificateUnavailable, match="cannot be used"):
        asyncio.run(live.refresh())


def test_a_ca_that_is_no_text_is_refused_as_what_it_is_so_that_looking_goes_on():
    secret = FakeSecret(asyncio.run(ensure(FakeSecret(), NAMES, NOW)))
    secret.data[CA_CERT] = b"\xff\xfe"
    with pytest.raises(CertificateUnavailable, match=CA_CERT):
        asyncio.run(LiveCertificate(given(secret)).refresh())


@pytest.mark.slow
def test_a_bundle_that_no_process_could_be_started_with_is_refused_and_the_old_one_stays(caplog):
    secret = FakeSecret(asyncio.run(ensure(FakeSecret(), NAMES, NOW)))
    live = LiveCertificate(given(secret))
    asyncio.run(live.refresh())
    good = live.ca
    secret.data[CA_CERT] = secret.data[CA_CERT] * (1 + MAX_CA // len(secret.data[CA_CERT]))
    with pytest.raises(CertificateUnavailable, match=r"ca\.crt has \d+ bytes and may have 65536"):
        asyncio.run(live.refresh())
    assert live.ca == good
    # With its name it must fit into one string that Linux passes to a process: 128 KiB.
    subprocess.run(["true"], env={PROGRESS_CA: "x" * MAX_CA}, check=True)
