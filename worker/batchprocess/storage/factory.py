"""From an address to a storage: the one place that knows the schemes."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage

_USE = "Use s3://bucket/prefix, file:///absolute/path, or a path"


_ALMOST = re.compile(r"(s3|file|https?|gs):?/*", re.IGNORECASE)


def refuse_unknown(uri: str) -> None:
    """Raise InvalidArgument for an address of none of the three forms.

    `s3:/bucket` is one: it would become a folder called `s3:`.
    """
    almost = _ALMOST.match(uri)
    if "://" not in uri and almost is not None and almost[0].endswith((":", ":/", "//")):
        raise InvalidArgument(
            f"output address {uri!r} is not understood: is {almost[1].lower()}:// meant? {_USE}"
        )
    if "://" in uri and not (_is_file(uri) or _is_bucket(uri)):
        raise InvalidArgument(f"output address {uri!r} is not understood. {_USE}")


def open_storage(uri: str, s3: S3Settings | None = None) -> Storage:
    """The storage at `uri`, without touching it. boto3 is imported for s3 addresses only.

    Raises InvalidArgument for an address that is none of the three forms.
    """
    refuse_unknown(uri)
    if "://" not in uri:
        return LocalStorage(Path(uri))
    if _is_file(uri):
        return LocalStorage(Path(unquote(urlsplit(uri).path)))
    from batchprocess.storage.s3 import S3Storage

    bucket, _, prefix = uri.partition("://")[2].partition("/")
    return S3Storage(bucket, prefix, s3 or S3Settings())


def _is_file(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "file" and parts.netloc in ("", "localhost") and bool(parts.path)


def _is_bucket(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "s3" and bool(parts.netloc)
