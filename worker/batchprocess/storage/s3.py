"""An S3-compatible store as storage, by boto3, with the client's own retries turned off."""

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import (
    OutcomeUnknown,
    StorageDenied,
    StorageError,
    UnsafeStorage,
)
from batchprocess.storage.base import Content, StoredObject
from batchprocess.storage.s3_client import Clients
from batchprocess.storage.s3_errors import (
    code_of,
    is_absent_for_head,
    is_refusal,
    meaning,
    status_of,
    translated,
)
from batchprocess.storage.s3_lifecycle import dangers
from batchprocess.storage.s3_multipart import PART, abort_unfinished, unfinished, upload_parts
from batchprocess.storage.s3_sent import SentChunk

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CHUNK = 1 << 20


class S3Storage:
    """Objects below `prefix` in `bucket`."""

    def __init__(
        self, bucket: str, prefix: str, settings: S3Settings, clients: Clients | None = None
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._settings = settings
        self._clients = clients or Clients(settings)

    @property
    def uri(self) -> str:
        """The folder's address."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def _client(self) -> "S3Client":
        return self._clients.ours()

    @contextlib.contextmanager
    def _asking(self, uri: str) -> Iterator[None]:
        """Raise our errors; after a refusal credentials are looked up anew for the next request."""
        try:
            with translated(uri):
                yield
        except StorageDenied:
            self._clients.renew()
            raise

    def at(self, folder: str) -> "S3Storage":
        """The storage of a folder below this one; shares the clients."""
        return S3Storage(self._bucket, self._key(folder), self._settings, self._clients)

    def get(self, key: str) -> bytes | None:
        """A small object whole, or None only if the store says NoSuchKey."""
        return self._get(key, self._uri(key))

    def _get(self, key: str, name: str) -> bytes | None:
        """As `get`; `name` is what errors call it."""
        with self._asking(name):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
                return answer["Body"].read()
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None
                raise

    def sync(self, key: str) -> None:
        """Nothing: what a store shows is stored."""

    def create(self, key: str, body: bytes | Path) -> bool:
        """Conditional put, sent once. 412 means that the key exists; 409 and 404 decide nothing."""
        opened = body.open("rb") if isinstance(body, Path) else nullcontext(body)
        with self._asking(self._uri(key)), opened as content:
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._key(key), Body=content, IfNoneMatch="*"
                )
            except ClientError as error:
                if status_of(error) == 412:
                    return False
                raise self._create_error(key, error) from error
        return True

    def _create_error(self, key: str, error: ClientError) -> Exception:
        if status_of(error) in (404, 409) and code_of(error) != "NoSuchBucket":
            return OutcomeUnknown(
                f"{self._uri(key)}: it may or may not have been created ({code_of(error)})"
            )
        return meaning(self._uri(key), error)

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite."""
        with self._asking(self._uri(key)):
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body)

    def upload(self, key: str, source: Path, content: Content | None = None) -> bool:
        """Write a file of any size; above 32 MiB in parallel parts."""
        size = source.stat().st_size
        if content is not None and size != content.size:
            return False
        with self._asking(self._uri(key)):
            if size > PART:
                place = self._bucket, self._key(key)
                return upload_parts(self._clients, *place, source, content)
            # No further than this: what somebody still appends would be sent behind the request,
            # and be the beginning of the next one on its connection.
            with SentChunk.from_filename(str(source), 0, size) as body:
                # It reads, seeks and has a length, all that botocore asks of a file.
                readable = cast("IO[bytes]", body)
                self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=readable)
                return content in (None, body.sent)

    def read(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """The object's bytes from `start`, in chunks of at most 1 MiB."""
        with self._asking(self._uri(key)):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._key(key), Range=f"bytes={start}-"
                )
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    raise FileNotFoundError(f"{self._uri(key)} does not exist") from error
                if status_of(error) == 416:
                    return  # there is nothing from `start` on
                raise
            yield from answer["Body"].iter_chunks(CHUNK)

    def stat(self, key: str) -> int | None:
        """Size in bytes, or None if absent."""
        with self._asking(self._uri(key)):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=self._key(key))
                return int(head["ContentLength"])
            except ClientError as error:
                if not is_absent_for_head(error):
                    raise
            # That answer has no body: some proxy's, or that of a missing bucket, looks the same.
            return self._size_by_get(key)

    def _size_by_get(self, key: str) -> int | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise
        answer["Body"].close()
        return int(answer["ContentLength"])

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Objects whose key begins with `prefix`, in key order."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._asking(self._uri(prefix)):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._below(prefix)):
                for item in page.get("Contents", []):
                    key, modified = self._relative(item["Key"]), item.get("LastModified")
                    yield StoredObject(key, item["Size"], modified)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Names of the folders directly below `prefix`."""
        pages = self._client.get_paginator("list_objects_v2")
        below = self._below(prefix)
        with self._asking(self._uri(prefix)):
            for page in pages.paginate(Bucket=self._bucket, Prefix=below, Delimiter="/"):
                for item in page.get("CommonPrefixes", []):
                    yield item["Prefix"].removeprefix(below).rstrip("/")

    def delete(self, key: str) -> None:
        """Remove an object; absent is fine."""
        with self._asking(self._uri(key)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def check_access(self) -> None:
        """A 403 for a key that cannot exist would make absence unknowable: refuse it now."""
        try:
            self._get(f"probe/{secrets.token_hex(16)}", self.uri)
        except StorageDenied as error:
            if not is_refusal(error.__cause__):
                raise
            raise StorageDenied(
                f"{error}; grant s3:ListBucket, or absence looks like 403"
            ) from error

    def leftovers(self, *, before: datetime) -> tuple[str, ...]:
        """Keys of multipart uploads below this folder that began before then and never ended."""
        with self._asking(self.uri):
            found = unfinished(self._client, self._bucket, self._below(""), before)
            return tuple(self._relative(item["Key"]) for item in found)

    def remove_leftovers(self, *, before: datetime) -> tuple[str, ...]:
        """Abort these uploads; their parts are stored, and paid for, until then."""
        with self._asking(self.uri):
            aborted = abort_unfinished(self._client, self._bucket, self._below(""), before)
            return tuple(self._relative(key) for key in aborted)

    def dangers(self) -> tuple[str, ...]:
        """Lifecycle rules of the bucket that would take objects away; none if unreadable."""
        try:
            with self._asking(self.uri):
                answer = self._client.get_bucket_lifecycle_configuration(Bucket=self._bucket)
        except (StorageError, UnsafeStorage):
            return ()
        return tuple(dangers(answer.get("Rules", []), self._prefix))

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _below(self, prefix: str) -> str:
        return self._key(prefix) if prefix or self._prefix else ""

    def _relative(self, key: str) -> str:
        return key.removeprefix(f"{self._prefix}/") if self._prefix else key

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._key(key)}"
