"""Large files in parallel parts. Keys of data are one writer's alone, so no condition is needed.

A part that fails is sent again: with many parts, a store that refuses one request in ten would
never take a whole file otherwise. Whoever calls has a deadline for the file as a whole.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from batchprocess.protocol.backoff import Backoff
from batchprocess.storage.s3_errors import is_transient

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 32 << 20
"""Bytes of a part; files up to this size go in one request."""
MAX_PARTS = 10_000
THREADS = 4
TRIES = 8
_BACKOFF = Backoff(0.2, 5.0)
_IN_MEMORY = threading.BoundedSemaphore(8)
"""Parts that this process holds at a time, over all files of a commit."""


def upload_parts(
    client: "S3Client",
    bucket: str,
    key: str,
    source: Path,
    wait: Callable[[int], None] | None = None,
) -> None:
    """Upload `source` in parts; a part that fails TRIES times aborts the upload.

    Raises botocore's error of that part. An abort is tried once: what a crash or a failed abort
    leaves is removed by `batchprocess clean`. `wait` is called with the number of failures so far.
    """
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    try:
        parts = _send_parts(client, bucket, key, upload, source, wait or pause)
        client.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )
    except (ClientError, BotoCoreError, OSError):
        if not _is_whole(client, bucket, key, source.stat().st_size):
            _abort(client, bucket, key, upload)
            raise


def pause(failures: int, jitter: Callable[[], float] = random.random) -> None:
    """Wait before a part is sent again, longer each time, with full jitter."""
    time.sleep(_BACKOFF.jittered(failures, jitter))


def spans(size: int) -> Iterator[tuple[int, int]]:
    """Offsets and lengths of the parts of a file of `size` bytes, at most 10,000 of them."""
    length = max(PART, -(-size // MAX_PARTS))
    for offset in range(0, size, length):
        yield offset, min(length, size - offset)


def _send_parts(
    client: "S3Client",
    bucket: str,
    key: str,
    upload: str,
    source: Path,
    wait: Callable[[int], None],
) -> "list[CompletedPartTypeDef]":
    def send(numbered: tuple[int, tuple[int, int]]) -> "CompletedPartTypeDef":
        with _IN_MEMORY:
            return send_read(numbered[0], _read(source, *numbered[1]))

    def send_read(number: int, body: bytes) -> "CompletedPartTypeDef":
        for tried in range(1, TRIES + 1):
            try:
                answer = client.upload_part(
                    Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body
                )
                return {"ETag": answer["ETag"], "PartNumber": number}
            except (ClientError, BotoCoreError) as error:
                if tried == TRIES or not is_transient(error):
                    raise
                wait(tried)
        raise AssertionError("every try returns or raises")

    # Each part is read just before it is sent.
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [pool.submit(send, part) for part in enumerate(spans(source.stat().st_size), 1)]
        try:
            return [task.result() for task in tasks]
        finally:
            for task in tasks:
                task.cancel()


def _read(source: Path, offset: int, length: int) -> bytes:
    with source.open("rb") as file:
        file.seek(offset)
        return file.read(length)


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
        return  # the error that led here matters more; `batchprocess clean` removes the rest
