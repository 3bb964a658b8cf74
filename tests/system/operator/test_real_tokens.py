"""A real API server's tokens, keys and Secrets: what the fakes of the other tests stand for."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from kubernetes.aio.client import (
    ApiClient,
    AuthenticationV1TokenRequest,
    Configuration,
    CoreV1Api,
    V1BoundObjectReference,
    V1TokenRequestSpec,
)
from kubernetes.aio.config import load_kube_config

from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.endpoint.certificate_secret import (
    CertificateUnavailable,
    KubernetesSecret,
    ensure,
)
from batchprocess_operator.endpoint.certificates import CA_CERT
from batchprocess_operator.endpoint.keys import Keyring, fetch_trust
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.report_store import PodFacts
from batchprocess_operator.endpoint.tokens import Verifier
from support.kube.clusters import control_plane
from support.operator.fake_issuer import utc_now
from support.operator.fake_pods import FakePods
from testcluster import ControlPlane
from testcluster.machine.waiting import until

__all__ = ["control_plane"]

pytestmark = pytest.mark.slow

T = TypeVar("T")
NAMESPACE = "tokens"
NAMES = ("progress.system.svc",)


def pod(name: str) -> dict[str, Any]:
    """One that stays pending: there is no node."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "worker", "image": "nowhere"}]},
    }


@dataclass
class Real:
    """A control plane with a namespace and two pods in it."""

    plane: ControlPlane

    def facts(self, name: str) -> PodFacts:
        uid = self.plane.kubectl("get", "pod", name, "-n", NAMESPACE, "-o=jsonpath={.metadata.uid}")
        return PodFacts(NAMESPACE, name, uid.strip(), "job-uid", frozenset({0}), alive=True)

    def run(self, what: Callable[[ApiClient], Awaitable[T]], token: str | None = None) -> T:
        """Something with a client: the admin's, or that of whoever holds `token`."""

        async def go() -> T:
            settings = Configuration()
            await load_kube_config(str(self.plane.kubeconfig), client_configuration=settings)
            if token is not None:
                settings.cert_file = settings.key_file = None
                settings.api_key = {"BearerToken": f"Bearer {token}"}
            async with ApiClient(settings) as client:
                return await what(client)

        return asyncio.run(go())

    def token(self, bound_to: PodFacts | None, aud: str) -> str:
        """As the kubelet asks for it, for a projected volume."""

        async def ask(client: ApiClient) -> str:
            bound = None
            if bound_to is not None:
                bound = V1BoundObjectReference(
                    api_version="v1", kind="Pod", name=bound_to.name, uid=bound_to.uid
                )
            spec = V1TokenRequestSpec(
                audiences=[aud], bound_object_ref=bound, expiration_seconds=600
            )
            answer = await CoreV1Api(client).create_namespaced_service_account_token(
                "default", NAMESPACE, AuthenticationV1TokenRequest(spec=spec)
            )
            return str(answer.status.token)

        return self.run(ask)

    def sender(self, token: str, *pods: PodFacts, asking_as: str | None = None) -> Any:
        """Whom the endpoint takes the sender for."""

        async def ask(client: ApiClient) -> Any:
            keyring = Keyring(lambda: fetch_trust(client), time.monotonic)
            known = FakePods({one.uid: one for one in pods})
            try:
                return await Verifier(keyring, known, utc_now).sender(f"Bearer {token}")
            except Refusal as refusal:
                return str(refusal)

        return self.run(ask, asking_as)


@pytest.fixture(scope="module")
def real(control_plane: ControlPlane) -> Real:
    kubectl = control_plane.kubectl
    kubectl("create", "namespace", NAMESPACE)
    # Its controller makes it a moment after the namespace.
    until(
        "the service account exists",
        lambda: "default" in kubectl("get", "serviceaccounts", "-n", NAMESPACE, "-o=name"),
    )
    for name in ("worker", "other"):
        kubectl.apply(json.dumps(pod(name)))
    return Real(control_plane)


def test_a_real_token_bound_to_the_pod_is_accepted(real: Real) -> None:
    worker = real.facts("worker")
    token = real.token(worker, token_audience(NAMESPACE, worker.job_uid))
    assert real.sender(token, worker) == worker


def test_real_tokens_for_anything_else_are_refused(real: Real) -> None:
    worker, other = real.facts("worker"), real.facts("other")
    right = token_audience(NAMESPACE, worker.job_uid)
    for_the_api = real.token(worker, "https://kubernetes.default.svc")
    for_another_job = real.token(worker, token_audience(NAMESPACE, "another-job"))
    assert "not for reports" in real.sender(for_the_api, worker)
    assert "not for reports" in real.sender(for_another_job, worker)
    assert "known to be alive" in real.sender(real.token(other, right), worker)
    assert "not bound to a pod" in real.sender(real.token(None, right), worker)


def test_a_real_token_that_was_tampered_with_is_refused(real: Real) -> None:
    worker = real.facts("worker")
    head, body, signature = real.token(worker, token_audience(NAMESPACE, worker.job_uid)).split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    changed = signature[:middle] + other + signature[middle + 1 :]
    assert real.sender(f"{head}.{body}.{changed}", worker) == "401 the token cannot be verified"


def test_any_service_account_may_read_the_keys(real: Real) -> None:
    worker = real.facts("worker")
    for_the_api = real.plane.kubectl("create", "token", "default", "-n", NAMESPACE).strip()
    token = real.token(worker, token_audience(NAMESPACE, worker.job_uid))
    assert real.sender(token, worker, asking_as=for_the_api) == worker


def test_operators_that_start_at_once_agree_on_one_ca_in_a_real_secret(real: Real) -> None:
    real.plane.kubectl("create", "secret", "generic", "progress", "-n", NAMESPACE)
    real.plane.kubectl("label", "secret", "progress", "-n", NAMESPACE, "kept=yes")

    async def all_start(client: ApiClient) -> list[Any]:
        secret = KubernetesSecret(CoreV1Api(client), NAMESPACE, "progress")
        return await asyncio.gather(*(ensure(secret, NAMES, datetime.now(UTC)) for _ in range(4)))

    seen = real.run(all_start)
    assert len({data[CA_CERT] for data in seen}) == 1
    labelled = real.plane.kubectl("get", "secrets", "-n", NAMESPACE, "-o=name", "-l=kept")
    assert labelled.strip() == "secret/progress"


def test_a_secret_that_the_chart_has_not_made_is_named(real: Real) -> None:
    async def start(client: ApiClient) -> None:
        await ensure(
            KubernetesSecret(CoreV1Api(client), NAMESPACE, "missing"), NAMES, datetime.now(UTC)
        )

    with pytest.raises(CertificateUnavailable, match=f"Secret {NAMESPACE}/missing: 404"):
        real.run(start)
