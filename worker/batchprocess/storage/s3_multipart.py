"""Large files in parallel parts. Keys of data are one writer's alone, so no condition is needed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 32 << 20
"""Bytes of a part; files up to this size go in one request."""
MAX_PARTS = 10_000
THREADS = 4


def upload_parts(client: "S3Client", bucket: str, key: str, source: Path) -> None:
    """Upload `source` in parts; a failure aborts the upload and comes through.

    An abort is tried once: what a crash or a failed abort leaves is removed by `abort_uploads`.
    """
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    try:
        parts = _send_parts(client, bucket, key, upload, source)
        client.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )
    except (ClientError, BotoCoreError, OSError):
        if not _is_whole(client, bucket, key, source.stat().st_size):
            _abort(client, bucket, key, upload)
            raise


def spans(size: int) -> Iterator[tuple[int, int]]:
    """Offsets and lengths of the parts of a file of `size` bytes, at most 10,000 of them."""
    length = max(PART, -(-size // MAX_PARTS))
    for offset in range(0, size, length):
        yield offset, min(length, size - offset)


def _send_parts(
    client: "S3Client", bucket: str, key: str, upload: str, source: Path
) -> "list[CompletedPartTypeDef]":
    def send(numbered: tuple[int, tuple[int, int]]) -> "CompletedPartTypeDef":
        number, (offset, length) = numbered
        with source.open("rb") as file:
            file.seek(offset)
            body = file.read(length)
        answer = client.upload_part(
            Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body
        )
        return {"ETag": answer["ETag"], "PartNumber": number}

    # Memory is bounded by THREADS parts: each is read just before it is sent.
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(send, enumerate(spans(source.stat().st_size), start=1)))


def _is_whole(client: "S3Client", bucket: str, key: str, size: int) -> bool:
    """Whether the completion had happened although its answer was lost."""
    try:
        return client.head_object(Bucket=bucket, Key=key)["ContentLength"] == size
    except (ClientError, BotoCoreError):
        return False


def _abort(client: "S3Client", bucket: str, key: str, upload: str) -> None:
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    except (ClientError, BotoCoreError):
        return  # the error that led here matters more; `abort_uploads` removes the leftover
