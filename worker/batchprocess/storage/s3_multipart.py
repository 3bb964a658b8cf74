"""Files to S3; large ones in parallel parts, by s3transfer: it begins, sends, completes, aborts.

Keys of data are one writer's alone, so no condition is needed. A part that fails is sent again:
with many parts, a store that refuses one request in ten would never take a whole file otherwise.
Whoever calls has a deadline for the file as a whole.
"""

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.manager import TransferConfig, TransferManager

from batchprocess.backoff import Backoff
from batchprocess.storage.base import Content
from batchprocess.storage.s3_client import Clients
from batchprocess.storage.s3_errors import is_transient
from batchprocess.storage.s3_sent import SendingFiles, SentChunk, were_sent

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef

PART = 32 << 20
"""Bytes of a part; files up to this size go in one request. Above 10,000 parts they are larger."""
THREADS = 4
TRIES = 8
"""How often a part is sent before the upload fails."""
BACKOFF = Backoff(0.2, 5.0)


def upload_file(
    clients: Clients, bucket: str, key: str, source: Path, content: Content | None = None
) -> bool:
    """Upload `source` in one request, or in parts; returns whether `content` was sent."""
    size = source.stat().st_size
    if content is not None and size != content.size:
        return False
    if size > PART:
        return upload_parts(clients, bucket, key, source, content)
    # No further than this: what somebody still appends would be sent behind the request, and be
    # the beginning of the next one on its connection.
    with SentChunk.from_filename(str(source), 0, size) as body:
        # It reads, seeks and has a length, all that botocore asks of a file.
        clients.ours().put_object(Bucket=bucket, Key=key, Body=cast("IO[bytes]", body))
        return content in (None, body.sent)


def upload_parts(
    clients: Clients, bucket: str, key: str, source: Path, content: Content | None = None
) -> bool:
    """Upload `source` in parts, which are read as they are sent; no thread is left afterwards.

    Returns whether they were `content`.

    A part that fails TRIES times aborts the upload, and botocore's error of it is raised. An abort
    is tried once: what a crash or a failed abort leaves is removed by `batchprocess clean`.
    """
    client = clients.for_parts()
    client.meta.events.register(
        "needs-retry.s3.UploadPart",
        _pause,  # type: ignore[arg-type] # the stubs forget that this one is asked for seconds
        unique_id="send parts again",
    )
    config = TransferConfig(
        multipart_threshold=PART, multipart_chunksize=PART, max_request_concurrency=THREADS
    )
    sending = SendingFiles()
    try:
        with TransferManager(client, config, sending) as transfers:
            transfers.upload(str(source), bucket, key).result()
    except (ClientError, BotoCoreError, OSError):
        if not _is_whole(client, bucket, key, source.stat().st_size):
            raise
    return content is None or were_sent(content, source, sending.chunks)


def _pause(
    attempts: int,
    response: tuple[object, Any] | None = None,
    caught_exception: Exception | None = None,
    **_: object,
) -> float | None:
    """Asked by botocore after every part: seconds until it is sent again, None if it is not."""
    error = caught_exception
    if response is not None and "Error" in response[1]:
        error = ClientError(response[1], "UploadPart")
    if attempts >= TRIES or not isinstance(error, ClientError | BotoCoreError):
        return None
    return BACKOFF.jittered(attempts, random.random) if is_transient(error) else None


def unfinished(
    client: "S3Client", bucket: str, prefix: str, before: datetime
) -> "Iterator[MultipartUploadTypeDef]":
    """Uploads below `prefix` that began before then and have neither completed nor been aborted."""
    pages = client.get_paginator("list_multipart_uploads")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix):
        yield from (item for item in page.get("Uploads", []) if item["Initiated"] < before)


def abort_unfinished(
    client: "S3Client", bucket: str, prefix: str, before: datetime
) -> Iterator[str]:
    """Abort these, and give the key of each once that is done."""
    for item in unfinished(client, bucket, prefix, before):
        client.abort_multipart_upload(Bucket=bucket, Key=item["Key"], UploadId=item["UploadId"])
        yield item["Key"]


def _is_whole(client: "S3Client", bucket: str, key: str, size: int) -> bool:
    """Whether the completion had happened although its answer was lost."""
    try:
        return client.head_object(Bucket=bucket, Key=key)["ContentLength"] == size
    except (ClientError, BotoCoreError):
        return False
