"""From botocore's errors to ours: what each one means, and what a person can do about it."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from urllib3.exceptions import HTTPError

from batchprocess.protocol.errors import (
    OutcomeUnknown,
    StorageDenied,
    StorageError,
    StorageFull,
    UnsafeStorage,
)

_RENEW = "renew the credentials; a shared file is read again, environment variables are not"
_REMEDIES = {
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it by NTP",
    "ExpiredToken": f"the session token has expired: {_RENEW}",
    "ExpiredTokenException": f"the session token has expired: {_RENEW}",
    "TokenRefreshRequired": f"the session token has expired: {_RENEW}",
    "InvalidToken": f"the session token is not valid: {_RENEW}",
    "InvalidAccessKeyId": "the access key is not known there: check AWS_ACCESS_KEY_ID",
    "XAdminUserNotFound": "the access key is not known there: check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret key does not fit: check AWS_SECRET_ACCESS_KEY and region",
    "NoSuchBucket": "the bucket does not exist: create it, or check its name and the endpoint",
    "AccessDenied": "grant s3:GetObject, s3:PutObject and s3:ListBucket on bucket and prefix",
    "PermanentRedirect": "the bucket is in another region: set output.s3.region",
    "AuthorizationHeaderMalformed": "the region does not fit: set output.s3.region",
}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "ServiceQuotaExceeded"}
_UNSUPPORTED = {"NotImplemented", "XNotImplemented"}
_SAYS_THE_REQUEST_IS_WRONG = {301, 307, 400, 405, 411, 413, 414}
_MAY_PASS = {"RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch"}
"""Codes with status 400 that speak of one request's journey, not of the request."""
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)


def status_of(error: ClientError) -> int:
    """HTTP status of an answer."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """S3's name of the error; for bodiless answers (HEAD) the status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_refusal(error: BaseException | None) -> bool:
    """Whether the store says that this identity may not: neither a wrong key nor a wrong bucket."""
    return isinstance(error, ClientError) and (
        code_of(error) == "AccessDenied"
        or (status_of(error) in (401, 403) and code_of(error) not in _REMEDIES)
    )


def is_absent_for_head(error: ClientError) -> bool:
    """Whether a HEAD says that the key does not exist: its answer has no body to name a code.

    For the ledger that is not enough: some proxy's 404 looks the same.
    """
    return code_of(error) in ("NoSuchKey", "404", "NotFound")


def is_transient(error: ClientError | BotoCoreError) -> bool:
    """Whether the same request may well succeed a moment later."""
    if isinstance(error, ClientError):
        return isinstance(meaning("", error), OutcomeUnknown)
    return not isinstance(error, (*_NO_CREDENTIALS, ParamValidationError))


@contextlib.contextmanager
def translated(uri: str) -> Iterator[None]:
    """Raise our errors for botocore's; `uri` names what was asked for."""
    try:
        yield
    except ClientError as error:
        raise meaning(uri, error) from error
    except _NO_CREDENTIALS as error:
        raise StorageDenied(
            f"{uri}: no usable credentials ({error}); set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, a profile, or a role"
        ) from error
    except ParamValidationError as error:
        raise StorageDenied(f"{uri} cannot be an S3 address: {_one_line(error)}") from error
    except (BotoCoreError, HTTPError) as error:
        # HTTPError is urllib3's: botocore lets it through while a body is being read.
        raise OutcomeUnknown(f"{uri}: {error}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def meaning_of_create(uri: str, error: ClientError) -> StorageError | UnsafeStorage:
    """As `meaning`, of a conditional put: 409 and 404 do not say whether it was done."""
    if status_of(error) in (404, 409) and code_of(error) != "NoSuchBucket":
        return OutcomeUnknown(f"{uri}: it may or may not have been created ({code_of(error)})")
    return meaning(uri, error)


def meaning(uri: str, error: ClientError) -> StorageError | UnsafeStorage:
    """The error of ours that a ClientError stands for."""
    code, status = code_of(error), status_of(error)
    said = str(error.response.get("Error", {}).get("Message", "")) or f"status {status}"
    if code in _REMEDIES:
        return StorageDenied(f"{uri}: {_REMEDIES[code]} ({code})")
    # Last, and in brackets: some of S3's names, InvalidArgument for one, read like Python's.
    said += f" ({code})" if code and code != str(status) else ""
    if code in _FULL or status == 507:
        return StorageFull(f"{uri}: {said}; free some space or raise the quota")
    if code in _UNSUPPORTED or status == 501:
        return UnsafeStorage(
            f"{uri}: the store does not implement what the ledger needs: {said}; use one with "
            "conditional writes (If-None-Match), or a file system that all workers share"
        )
    if status in (401, 403):
        return StorageDenied(f"{uri}: {said}; {_REMEDIES['AccessDenied']}")
    if status in _SAYS_THE_REQUEST_IS_WRONG and code not in _MAY_PASS:
        return StorageDenied(f"{uri}: {said}; check address, endpoint and region")
    return OutcomeUnknown(f"{uri}: {said}")
