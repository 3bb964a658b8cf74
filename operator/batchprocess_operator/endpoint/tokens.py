"""Who sent a report: a bound service account token, verified without asking anybody."""

from dataclasses import dataclass
from typing import Any

import jwt
from pydantic import BaseModel, Field, ValidationError

from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.endpoint.keys import Keyring, KeysUnavailable
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.report_store import PodFacts, Pods

LEEWAY_SECONDS = 60
"""For clocks that differ; what the API server itself allows."""
_RETRY_SECONDS = 10
_REQUIRED = ["exp", "nbf", "iss", "aud"]


class _Pod(BaseModel):
    name: str
    uid: str


class _Kubernetes(BaseModel):
    namespace: str
    pod: _Pod


class _Claims(BaseModel):
    aud: str | list[str]
    kubernetes: _Kubernetes = Field(alias="kubernetes.io")

    def audiences(self) -> list[str]:
        return [self.aud] if isinstance(self.aud, str) else self.aud


@dataclass(frozen=True)
class Verifier:
    """Signature, issuer and times first; only then is anything in the token believed."""

    keys: Keyring
    pods: Pods

    async def sender(self, authorization: str | None) -> PodFacts:
        """The pod that holds the token. Refusal 401 or, without the cluster's keys, 503."""
        claims = await self._verified(_bearer(authorization))
        pod = self.pods.find(claims.kubernetes.pod.uid)
        if pod is None or not pod.alive:
            raise Refusal(401, "this token's pod is not one that is known to be alive")
        claimed = (claims.kubernetes.namespace, claims.kubernetes.pod.name)
        if claimed != (pod.namespace, pod.name):
            raise Refusal(401, "this token's namespace or pod name is not that of its pod")
        if token_audience(pod.namespace, pod.job_uid) not in claims.audiences():
            raise Refusal(401, "this token is not for reports of its pod's job")
        return pod

    async def _verified(self, token: str) -> _Claims:
        issuer, key = await self._key_of(token)
        if key is None:
            raise Refusal(401, "the token is not signed by a key of this cluster")
        try:
            # The algorithm is the key's, whatever the token's header says. The audience depends
            # on the pod and is checked once that is known.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED, "verify_aud": False},
            )
            return _Claims.model_validate(claims)
        except jwt.ExpiredSignatureError as error:
            raise Refusal(401, "the token has expired") from error
        except jwt.ImmatureSignatureError as error:
            raise Refusal(401, "the token is not valid yet") from error
        except jwt.InvalidIssuerError as error:
            raise Refusal(401, "the token's issuer is not this cluster") from error
        except jwt.PyJWTError as error:
            raise Refusal(401, "the token cannot be verified") from error
        except ValidationError as error:
            raise Refusal(401, "the token is not bound to a pod") from error

    async def _key_of(self, token: str) -> tuple[str, jwt.PyJWK | None]:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as error:
            raise Refusal(401, "this is no token") from error
        if not isinstance(kid, str):
            raise Refusal(401, "the token does not name its key")
        try:
            return await self.keys.find(kid)
        except KeysUnavailable as error:
            raise Refusal(503, str(error), _RETRY_SECONDS) from error


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    # What is not ASCII is no token, and PyJWT stumbles over bytes that are not even text.
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise Refusal(401, "reports need the header Authorization: Bearer <token>")
    return token
