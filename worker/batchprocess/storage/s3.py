"""An S3-compatible store as storage, by boto3, with the client's own retries turned off."""

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import StorageDenied, StorageError, UnsafeStorage
from batchprocess.storage.base import Content, StoredObject
from batchprocess.storage.s3_client import Clients
from batchprocess.storage.s3_errors import is_refusal, meaning_of_create, status_of, translated
from batchprocess.storage.s3_lifecycle import dangers
from batchprocess.storage.s3_multipart import abort_unfinished, unfinished, upload_file
from batchprocess.storage.s3_reading import chunks_from, size_of, whole

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


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
            return whole(self._client, self._bucket, self._key(key))

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
                raise meaning_of_create(self._uri(key), error) from error
        return True

    def put(self, key: str, body: bytes) -> None:
        """Write or overwrite."""
        with self._asking(self._uri(key)):
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body)

    def upload(self, key: str, source: Path, content: Content | None = None) -> bool:
        """Write a file of any size; above 32 MiB in parallel parts."""
        with self._asking(self._uri(key)):
            return upload_file(self._clients, self._bucket, self._key(key), source, content)

    def read(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """The object's bytes from `start`, in chunks of at most 1 MiB."""
        with self._asking(self._uri(key)):
            found = chunks_from(self._client, self._bucket, self._key(key), start)
            if found is None:
                raise FileNotFoundError(f"{self._uri(key)} does not exist")
            yield from found

    def stat(self, key: str) -> int | None:
        """Size in bytes, or None if absent."""
        with self._asking(self._uri(key)):
            return size_of(self._client, self._bucket, self._key(key))

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
