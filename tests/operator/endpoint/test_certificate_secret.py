"""Operators that run at once agree on one CA through one Secret."""

import asyncio
import base64
import logging
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from kubernetes.aio.client import ApiException, V1ObjectMeta, V1Secret

from batchprocess_operator.endpoint.certificate_secret import (
    CertificateUnavailable,
    Conflict,
    KubernetesSecret,
    ensure,
)
from batchprocess_operator.endpoint.certificates import CA_CERT, CA_KEY, LEAF_CERT
from support.operator.fake_pods import FakeSecret

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NAMES = ("progress.system.svc",)


class RacedSecret(FakeSecret):
    """Just before our first writes, another operator does its own work to the end."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.rival, self.races = FakeSecret(), races

    async def write(self, data, found):
        if self.races:
            self.races -= 1
            self.rival.data = {}
            self.data = dict(await ensure(self.rival, NAMES, NOW - timedelta(days=70)))
            self.version += 1
        await super().write(data, found)


def test_the_first_operator_fills_the_secret_and_the_next_one_uses_it():
    secret = FakeSecret()
    first = asyncio.run(ensure(secret, NAMES, NOW))
    second = asyncio.run(ensure(secret, NAMES, NOW))
    assert first == second == secret.data
    assert secret.writes == 1


def test_two_operators_at_once_serve_under_one_ca():
    secret = RacedSecret(races=1)
    data = asyncio.run(ensure(secret, NAMES, NOW))
    # The rival's leaf is old and gets renewed; its CA is kept.
    assert data[CA_CERT] == secret.rival.data[CA_CERT]
    assert data[LEAF_CERT] != secret.rival.data[LEAF_CERT]
    assert data == secret.data


def test_an_endless_fight_over_the_secret_ends_with_an_error():
    with pytest.raises(CertificateUnavailable, match="5 times in a row"):
        asyncio.run(ensure(RacedSecret(races=99), NAMES, NOW))


def test_an_answer_that_is_lost_after_the_write_is_made_good_by_the_next_look():
    class Forgetful(FakeSecret):
        async def write(self, data, found):
            await super().write(data, found)
            raise CertificateUnavailable("the answer was lost")

    secret = Forgetful()
    with pytest.raises(CertificateUnavailable):
        asyncio.run(ensure(secret, NAMES, NOW))
    assert asyncio.run(ensure(secret, NAMES, NOW)) == secret.data
    assert secret.writes == 1


def test_replacing_a_ca_that_workers_may_trust_is_said_aloud(caplog):
    secret = FakeSecret({CA_CERT: b"old", CA_KEY: b"junk"})
    with caplog.at_level(logging.WARNING):
        asyncio.run(ensure(secret, NAMES, NOW))
    assert "another CA" in caplog.text


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
    secret = KubernetesSecret(api, "system", "tls")
    data = asyncio.run(ensure(secret, NAMES, NOW))
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
        asyncio.run(KubernetesSecret(FakeSecretApi(failure), "system", "tls").read())


def test_a_conflict_is_told_apart_from_failures():
    api = FakeSecretApi()
    secret = KubernetesSecret(api, "system", "tls")
    data, found = asyncio.run(secret.read())
    api.failure = ApiException(status=409, reason="Conflict")
    with pytest.raises(Conflict):
        asyncio.run(secret.write(data, found))
