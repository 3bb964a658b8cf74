"""Reading objects of S3. An object is absent only where the store names it: NoSuchKey."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from batchprocess.storage.s3_errors import code_of, is_absent_for_head, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

CHUNK = 1 << 20


def whole(client: "S3Client", bucket: str, key: str) -> bytes | None:
    """A small object, or None if it is absent."""
    answer = _get(client, bucket, key)
    return None if answer is None else answer["Body"].read()


def chunks_from(client: "S3Client", bucket: str, key: str, start: int) -> Iterator[bytes] | None:
    """The object from byte `start`, in chunks of at most 1 MiB, or None if it is absent."""
    try:
        answer = _get(client, bucket, key, f"bytes={start}-")
    except ClientError as error:
        if status_of(error) == 416:
            return iter(())  # there is nothing from `start` on
        raise
    return None if answer is None else answer["Body"].iter_chunks(CHUNK)


def size_of(client: "S3Client", bucket: str, key: str) -> int | None:
    """Bytes of the object, or None if it is absent."""
    try:
        return int(client.head_object(Bucket=bucket, Key=key)["ContentLength"])
    except ClientError as error:
        if not is_absent_for_head(error):
            raise
    # That answer has no body: some proxy's, or that of a missing bucket, looks the same.
    answer = _get(client, bucket, key)
    if answer is None:
        return None
    answer["Body"].close()
    return int(answer["ContentLength"])


def _get(
    client: "S3Client", bucket: str, key: str, span: str | None = None
) -> "GetObjectOutputTypeDef | None":
    try:
        if span is None:
            return client.get_object(Bucket=bucket, Key=key)
        return client.get_object(Bucket=bucket, Key=key, Range=span)
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise
