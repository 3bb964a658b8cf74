"""What a BatchProcessJob is called in Kubernetes, and what its pods' tokens are good for."""

from typing import Any, Literal, get_args

ApiVersion = Literal["batchprocess.dev/v1alpha1"]
Kind = Literal["BatchProcessJob"]


def _only(literal: Any) -> str:
    (text,) = get_args(literal)
    return str(text)


API_VERSION, KIND = _only(ApiVersion), _only(Kind)
GROUP, _, VERSION = API_VERSION.partition("/")
PLURAL = "batchprocessjobs"


def token_audience(namespace: str, job_uid: str) -> str:
    """What the tokens of a job's pods are good for: reporting this job's progress, only.

    Asked for by whoever makes the pods, demanded by whoever takes their reports.
    """
    return f"{GROUP}/{namespace}/{job_uid}"
