"""Objects of a bucket as input, each as it was when it was listed: by ETag."""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InputChanged, OutcomeUnknown, StorageDenied
from batchprocess.storage.inputs.base import REMEDY, InputObject, Page
from batchprocess.storage.s3_client import Clients
from batchprocess.storage.s3_errors import code_of, is_absent_for_head, status_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef


def _objects(items: "Sequence[ObjectTypeDef]") -> Iterator[InputObject]:
    for item in items:
        if not item["Key"].endswith("/"):
            yield InputObject(item["Key"], item["Size"], item["ETag"])


class S3Inputs:
    """All of a bucket. Each process that it comes to makes a client of its own."""

    def __init__(self, bucket: str, settings: S3Settings) -> None:
        self._bucket, self._settings = bucket, settings

    def __reduce__(self) -> tuple[Any, ...]:
        return S3Inputs, (self._bucket, self._settings)

    @property
    def uri(self) -> str:
        """The bucket's address."""
        return f"s3://{self._bucket}"

    @cached_property
    def _clients(self) -> Clients:
        return Clients(self._settings)

    @property
    def _client(self) -> "S3Client":
        return self._clients.ours()

    @contextlib.contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        """Raise our errors; after a refusal credentials are looked up anew for the next request."""
        try:
            with translated(name):
                yield
        except StorageDenied:
            self._clients.renew()
            raise

    def list(self, prefix: str) -> Iterator[InputObject]:
        """All but folders' own names, which some programs make as empty objects."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._asking(f"{self.uri}/{prefix}"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from _objects(page.get("Contents", []))

    def page(self, prefix: str, after: str, most: int) -> Page:
        """As `list`, from some key on."""
        with self._asking(f"{self.uri}/{prefix}"):
            found = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=prefix, StartAfter=after, MaxKeys=most
            )
        items = found.get("Contents", [])
        last = items[-1]["Key"] if items else ""
        return Page(list(_objects(items)), last, found["IsTruncated"])

    def find(self, key: str) -> InputObject | None:
        """The object of that key."""
        with self._asking(f"{self.uri}/{key}"):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if is_absent_for_head(error):
                    return None
                raise
        return InputObject(key, found["ContentLength"], found["ETag"])

    def read(self, known: InputObject, start: int, stop: int) -> bytes:
        """One request, which the store refuses if the object has another ETag."""
        if start == stop:
            return b""
        name = f"{self.uri}/{known.key}"
        with self._asking(name):
            found = self._get(known, f"bytes={start}-{stop - 1}", name)
        if len(found) != stop - start:
            raise OutcomeUnknown(f"{name}: {len(found)} of {stop - start} bytes came")
        return found

    def _get(self, known: InputObject, span: str, name: str) -> bytes:
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=known.key, Range=span, IfMatch=known.etag
            )
        except ClientError as error:
            if status_of(error) in (412, 416):
                raise InputChanged(
                    f"input {name} is not what it was when it was listed: {REMEDY}"
                ) from error
            if code_of(error) == "NoSuchKey":
                raise InputChanged(f"input {name} is gone: {REMEDY}") from error
            raise
        if answer["ETag"] != known.etag:
            raise InputChanged(f"input {name} has another ETag than when it was listed: {REMEDY}")
        return answer["Body"].read()
