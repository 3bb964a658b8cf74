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


def refuse_typo(uri: str) -> None:
    """Raise InvalidArgument for what would become a folder called `s3:`, not a bucket."""
    found = _ALMOST.match(uri)
    if "://" not in uri and found is not None and found[0].endswith((":", ":/", "//")):
        raise InvalidArgument(
            f"output address {uri!r} is not understood: is {found[1].lower()}:// meant? {_USE}"
        )


def open_storage(uri: str, s3: S3Settings | None = None) -> Storage:
    """The storage at `uri`, without touching it. boto3 is imported for s3 addresses only.

    Raises InvalidArgument for an address that is none of the three forms.
    """
    refuse_typo(uri)
    if "://" not in uri:
        return LocalStorage(Path(uri))
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from batchprocess.storage.s3 import S3Storage

        bucket, _, prefix = uri.partition("://")[2].partition("/")
        return S3Storage(bucket, prefix, s3 or S3Settings())
    raise InvalidArgument(f"output address {uri!r} is not understood. {_USE}")
