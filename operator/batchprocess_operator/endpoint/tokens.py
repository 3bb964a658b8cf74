"""Who sent a report: a bound service account token, verified without asking anybody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from jwt.types import Options
from pydantic import BaseModel, Field, ValidationError

from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.endpoint.keys import Keyring, KeysUnavailable
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.report_store import PodFacts, Pods

LEEWAY_SECONDS = 60
"""For clocks that differ; what the API server itself allows."""
_RETRY_SECONDS = 10
_REQUIRED = ["exp", "nbf", "iss", "aud"]
_CHECKED_HERE: Options = {
    # PyJWT knows this machine's time only. The audience depends on the pod, and is checked once
    # that is known.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
_TIMES = ("exp", "nbf", "iat")


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
    """Signature, issuer and times first; only then is anything in the token believed.

    `now` gives the API server's time: it has written those in the token. Our clock may be wrong.
    """

    keys: Keyring
    pods: Pods
    now: Callable[[], datetime]

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
            # The algorithm is the key's, whatever the token's header says.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=issuer,
                options={"require": _REQUIRED, **_CHECKED_HERE},
            )
            _check_times(claims, self.now().timestamp())
            return _Claims.model_validate(claims)
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
            raise Refusal(503, str(error), _RETRY_SECONDS, blameless=True) from error


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    # Not a whole number: no API server writes that, and what is no number is in no order.
    if any(type(claims[name]) is not int for name in _TIMES if name in claims):
        raise Refusal(401, "the token cannot be verified")
    if claims["exp"] <= now - LEEWAY_SECONDS:
        raise Refusal(401, "the token has expired")
    if max(claims["nbf"], claims.get("iat", 0)) > now + LEEWAY_SECONDS:
        raise Refusal(401, "the token is not valid yet")


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    # What is not ASCII is no token, and PyJWT stumbles over bytes that are not even text.
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise Refusal(401, "reports need the header Authorization: Bearer <token>")
    return token
