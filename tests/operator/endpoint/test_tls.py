"""Operators agree on one CA through one Secret, and a new leaf is served without a restart."""

import asyncio
import base64
import logging
import ssl
import subprocess
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from kubernetes.aio.client import ApiException, V1ObjectMeta, V1Secret

from batchprocess.protocol.environment import PREFIX
from batchprocess_operator.endpoint.certificates import CA_CERT, CA_KEY, LEAF_CERT, LEAF_KEY
from batchprocess_operator.endpoint.tls import (
    MAX_CA,
    CertificateUnavailable,
    Conflict,
    LiveCertificate,
    SecretShelf,
    ensure,
    given,
    own,
)
from support.operator.fake_pods import FakeShelf
from support.operator.handshake import shake_hands

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NAMES = ("progress.system.svc",)


class RacedShelf(FakeShelf):
    """Just before our first writes, another operator does its own work to the end."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.rival, self.races = FakeShelf(), races

    async def write(self, data, found):
        if self.races:
            self.races -= 1
            self.rival.data = {}
            self.data = dict(await ensure(self.rival, NAMES, NOW - timedelta(days=70)))
            self.version += 1
        await super().write(data, found)


def test_the_first_operator_fills_the_secret_and_the_next_one_uses_it():
    shelf = FakeShelf()
    first = asyncio.run(ensure(shelf, NAMES, NOW))
    second = asyncio.run(ensure(shelf, NAMES, NOW))
    assert first == second == shelf.data
    assert shelf.writes == 1


def test_two_operators_at_once_serve_under_one_ca():
    shelf = RacedShelf(races=1)
    data = asyncio.run(ensure(shelf, NAMES, NOW))
    # The rival's leaf is old and gets renewed; its CA is kept.
    assert data[CA_CERT] == shelf.rival.data[CA_CERT]
    assert data[LEAF_CERT] != shelf.rival.data[LEAF_CERT]
    assert data == shelf.data


def test_an_endless_fight_over_the_secret_ends_with_an_error():
    with pytest.raises(CertificateUnavailable, match="5 times in a row"):
        asyncio.run(ensure(RacedShelf(races=99), NAMES, NOW))


def test_an_answer_that_is_lost_after_the_write_is_made_good_by_the_next_look():
    class Forgetful(FakeShelf):
        async def write(self, data, found):
            await super().write(data, found)
            raise CertificateUnavailable("the answer was lost")

    shelf = Forgetful()
    with pytest.raises(CertificateUnavailable):
        asyncio.run(ensure(shelf, NAMES, NOW))
    assert asyncio.run(ensure(shelf, NAMES, NOW)) == shelf.data
    assert shelf.writes == 1


def test_replacing_a_ca_that_workers_may_trust_is_said_aloud(caplog):
    shelf = FakeShelf({CA_CERT: b"old", CA_KEY: b"junk"})
    with caplog.at_level(logging.WARNING):
        asyncio.run(ensure(shelf, NAMES, NOW))
    assert "another CA" in caplog.text


def test_a_renewed_leaf_is_taken_up_and_the_ca_told_to_workers_stays():
    moments = iter([NOW, NOW + timedelta(days=1), NOW + timedelta(days=61)])
    shelf = FakeShelf()
    live = LiveCertificate(own(shelf, NAMES, lambda: next(moments)))
    seen = []

    async def look():
        await live.refresh()
        seen.append((live.ca, shelf.data[LEAF_CERT], live.context))

    for _ in range(3):
        asyncio.run(look())
    assert len({ca for ca, _, _ in seen}) == 1
    assert seen[0][1] == seen[1][1] != seen[2][1]
    assert len({id(context) for *_, context in seen}) == 1


def test_new_connections_get_the_new_leaf_and_clients_that_pin_the_ca_accept_it():
    now = datetime.now(UTC)
    moments = iter([now - timedelta(days=61), now])
    live = LiveCertificate(own(FakeShelf(), NAMES, lambda: next(moments)))
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
    shelf = FakeShelf(asyncio.run(ensure(FakeShelf(), NAMES, NOW - timedelta(days=80))))
    del shelf.data[CA_KEY]
    live = LiveCertificate(given(shelf))
    asyncio.run(live.refresh())
    assert live.ca == shelf.data[CA_CERT].decode()
    assert shelf.writes == 0


@pytest.mark.parametrize("key", [CA_CERT, LEAF_CERT, LEAF_KEY])
def test_a_given_secret_that_lacks_something_is_refused_with_its_name(key):
    shelf = FakeShelf(asyncio.run(ensure(FakeShelf(), NAMES, NOW)))
    shelf.data[key] = b""
    with pytest.raises(CertificateUnavailable, match=key):
        asyncio.run(LiveCertificate(given(shelf)).refresh())


def test_a_pair_that_does_not_fit_is_refused_and_the_old_one_is_served_on():
    shelf = FakeShelf(asyncio.run(ensure(FakeShelf(), NAMES, NOW)))
    live = LiveCertificate(given(shelf))
    asyncio.run(live.refresh())
    shelf.data[LEAF_KEY] = asyncio.run(ensure(FakeShelf(), NAMES, NOW))[LEAF_KEY]
    with pytest.raises(CertificateUnavailable, match="cannot be used"):
        asyncio.run(live.refresh())


def test_a_ca_that_is_no_text_is_refused_as_what_it_is_so_that_looking_goes_on():
    shelf = FakeShelf(asyncio.run(ensure(FakeShelf(), NAMES, NOW)))
    shelf.data[CA_CERT] = b"\xff\xfe"
    with pytest.raises(CertificateUnavailable, match=CA_CERT):
        asyncio.run(LiveCertificate(given(shelf)).refresh())


class FakeSecretApi:
    """As much of the API server as one Secret needs."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        coded = {"note": base64.b64encode(b"kept").decode()}
        self.secret = V1Secret(
            data=coded,
            metadata=V1ObjectMeta(
                name="tls", namespace="system", resource_version="7", labels={"app": "chart"}
            ),
        )

    async def read_namespaced_secret(self, name, namespace, _request_timeout):
        if self.failure is not None:
            raise self.failure
        return self.secret

    async def replace_namespaced_secret(self, name, namespace, body, _request_timeout):
        if self.failure is not None:
            raise self.failure
        self.secret = body
        return body


def test_the_secret_is_replaced_as_found_with_its_version_labels_and_other_keys():
    api = FakeSecretApi()
    shelf = SecretShelf(api, "system", "tls")
    data = asyncio.run(ensure(shelf, NAMES, NOW))
    assert base64.b64decode(api.secret.data[CA_CERT]) == data[CA_CERT]
    assert base64.b64decode(api.secret.data["note"]) == b"kept"
    assert api.secret.metadata.resource_version == "7"
    assert api.secret.metadata.labels == {"app": "chart"}


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ApiException(status=404, reason="Not Found"), "Secret system/tls: 404 Not Found"),
        (ApiException(status=403, reason="Forbidden"), "Secret system/tls: 403 Forbidden"),
        (aiohttp.ClientConnectionError("refused"), "refused"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_secret_that_cannot_be_had_is_an_error_that_names_it(failure, expected):
    with pytest.raises(CertificateUnavailable, match=expected):
        asyncio.run(SecretShelf(FakeSecretApi(failure), "system", "tls").read())


def test_a_conflict_is_told_apart_from_failures():
    api = FakeSecretApi()
    shelf = SecretShelf(api, "system", "tls")
    data, found = asyncio.run(shelf.read())
    api.failure = ApiException(status=409, reason="Conflict")
    with pytest.raises(Conflict):
        asyncio.run(shelf.write(data, found))


def test_a_bundle_that_no_process_could_be_started_with_is_refused_and_the_old_one_stays(caplog):
    shelf = FakeShelf(asyncio.run(ensure(FakeShelf(), NAMES, NOW)))
    live = LiveCertificate(given(shelf))
    asyncio.run(live.refresh())
    good = live.ca
    shelf.data[CA_CERT] = shelf.data[CA_CERT] * (1 + MAX_CA // len(shelf.data[CA_CERT]))
    with pytest.raises(CertificateUnavailable, match=r"ca\.crt has \d+ bytes and may have 65536"):
        asyncio.run(live.refresh())
    assert live.ca == good
    # With its name it must fit into one string that Linux passes to a process: 128 KiB.
    subprocess.run(["true"], env={f"{PREFIX}PROGRESS_CA": "x" * MAX_CA}, check=True)
