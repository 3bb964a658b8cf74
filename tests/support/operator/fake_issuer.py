"""A fake API server as far as tokens go: it signs them, and publishes its keys."""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.endpoint.keys import Trust
from batchprocess_operator.endpoint.report_store import PodFacts

ISSUER = "https://kubernetes.default.svc.cluster.local"


def utc_now() -> datetime:
    """The API server's time, which is ours."""
    return datetime.now(UTC)


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """One key for each name; drawing them is slow."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@dataclass
class FakeIssuer:
    """Signs with the key called `kid`, and publishes those in `published`."""

    kid: str = "first"
    published: list[str] = field(default_factory=lambda: ["first"])
    asked: int = 0

    def claims(self, pod: PodFacts, **changed: Any) -> dict[str, Any]:
        """What the kubelet's TokenRequest for a worker gives, with changes."""
        now = int(time.time())
        return {
            "aud": [token_audience(pod.namespace, pod.job_uid)],
            "exp": now + 3_600,
            "iat": now,
            "iss": ISSUER,
            "jti": "7c4f9a9e",
            "kubernetes.io": {
                "namespace": pod.namespace,
                "node": {"name": "node", "uid": "node-uid"},
                "pod": {"name": pod.name, "uid": pod.uid},
                "serviceaccount": {"name": "default", "uid": "account-uid"},
            },
            "nbf": now,
            "sub": f"system:serviceaccount:{pod.namespace}:default",
        } | changed

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(
            claims, rsa_key(self.kid), algorithm="RS256", headers={"kid": self.kid} | headers
        )

    def token(self, pod: PodFacts, **changed: Any) -> str:
        return self.sign(self.claims(pod, **changed))

    def configuration(self) -> bytes:
        return json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/openid/v1/jwks"}).encode()

    def key_set(self) -> bytes:
        keys = [
            {
                **json.loads(RSAAlgorithm.to_jwk(rsa_key(kid).public_key())),
                "kid": kid,
                "use": "sig",
                "alg": "RS256",
            }
            for kid in self.published
        ]
        return json.dumps({"keys": keys}).encode()

    def public_pem(self) -> bytes:
        return (
            rsa_key(self.kid)
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    async def fetch(self) -> Trust:
        self.asked += 1
        return Trust.read(self.configuration(), self.key_set())
