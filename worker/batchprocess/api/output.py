"""Where a job's outputs and ledgers live."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from batchprocess.api.base import ApiModel, Rule
from batchprocess.api.scalars import ObjectName, Text

URL = r"^https?://.+$"
Url = Annotated[str, StringConstraints(pattern=URL, max_length=1024)]
_ON_A_CLUSTER = r"^(s3://[^/]+(/.*)?|file:///.+|/.+)$"


class S3(ApiModel):
    """How to reach an S3-compatible store."""

    endpoint: Url | None = None
    """URL of the store, http or https, at most 1024 characters. Default: AWS. Immutable."""
    region: Text | None = None
    """Region of the bucket, at most 1024 characters. Default: what the AWS chain finds.
    Immutable."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Whether the bucket's name is in the path or in the host name. One of auto, path and
    virtual. Default auto. Immutable."""
    checksums: Literal["whenRequired", "always"] | None = None
    """When requests carry checksums. One of whenRequired, for stores that do not know them, and
    always. Default: whenRequired with an endpoint, else always. Immutable."""
    credentials_secret: ObjectName | None = None
    """Name of a Secret in the job's namespace with the keys AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY and, if wanted, AWS_SESSION_TOKEN. Default: what the AWS chain finds in
    the pod. Immutable."""
    ca_bundle_config_map: ObjectName | None = None
    """Name of a ConfigMap in the job's namespace whose key ca.crt has the certificates (PEM) to
    trust. Default: those of the image. Immutable."""


class Output(ApiModel):
    """Where outputs and ledgers live."""

    rules = (
        Rule(
            f"!has(self.uri) || self.uri.matches(r'{_ON_A_CLUSTER}')",
            "spec.output.uri must be s3://bucket/prefix, file:///absolute/path or an absolute "
            "path on a cluster: a relative one would be lost with its pod",
            field=".uri",
        ),
    )

    uri: Text | None = None
    """Where runs go, at most 1024 characters: s3://bucket/prefix, file:///absolute/path, or a
    path. A run's folder is <uri>/<job name>/<run id>. Required on a cluster; default elsewhere:
    batchprocess-runs beside the job's file. Immutable."""
    s3: S3 = S3()
    """How to reach an S3-compatible store. Immutable."""
    delta: bool = True
    """Whether the Parquet tables of a complete run have a log of Delta Lake. Default true.
    Immutable."""
