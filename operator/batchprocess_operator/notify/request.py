"""The request that delivers a message, made anew for each try: secrets may have been rotated."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess.version import __version__
from batchprocess_operator.model.identity import JobIdentity
from batchprocess_operator.model.notified import message_id
from batchprocess_operator.notify import body
from batchprocess_operator.notify.destinations import Destination, DestinationError, check_url
from batchprocess_operator.notify.signature import sign, signing_keys

_MAX_FILE = 1 << 20
_Read = TypeVar("_Read")
_JSON = "application/json"
_CLOUD_EVENT = "application/cloudevents+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A POST. `ca`: certificates in PEM to trust instead of the system's; empty: the system's."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    proxy: str | None = None
    ca: str = field(default="", repr=False)


def request_for(
    destination: Destination,
    about: JobIdentity,
    message: PendingMessage,
    cluster: str,
    timestamp: int,
) -> Request:
    """`timestamp`: now, in Unix seconds. Raises DestinationError for a Secret that is no good."""
    identity = message_id(about.uid, message)
    content, kind = _content(destination, about, message, cluster, identity)
    # All of it is ours: nothing that a tenant writes gets into a header.
    headers = {"Content-Type": kind, "User-Agent": f"batchprocess/{__version__}"}
    if destination.type != "slack":
        headers |= {"webhook-id": identity, "webhook-timestamp": str(timestamp)}
    if destination.signing_secret_file is not None:
        secrets = _read("signing secret", destination.signing_secret_file)
        keys = _usable("signing secret", signing_keys, secrets)
        headers["webhook-signature"] = sign(keys, identity, timestamp, content)
    ca = "" if destination.ca_file is None else _read("CA bundle", destination.ca_file)
    return Request(_url(destination), headers, content, destination.proxy, ca)


def _content(
    destination: Destination,
    about: JobIdentity,
    message: PendingMessage,
    cluster: str,
    identity: str,
) -> tuple[bytes, str]:
    match destination.type:
        case "cloudevents":
            return body.cloud_event(about, message, cluster, identity), _CLOUD_EVENT
        case "slack":
            return body.slack(about, message, cluster), _JSON
        case "webhook":
            return body.webhook(about, message, cluster), _JSON


def _url(destination: Destination) -> str:
    if destination.url is not None:
        return destination.url
    url = _read("URL", destination.url_file).strip()
    _usable("URL", check_url, url)
    return url


def _usable(what: str, read: Callable[[str], _Read], text: str) -> _Read:
    try:
        return read(text)
    except ValueError as error:
        raise DestinationError(f"its {what} cannot be used: {error}") from None


def _read(what: str, path: str | None) -> str:
    """The text of a Secret's file: some hundred bytes, on a file system in memory."""
    try:
        with Path(path or "").open("rb") as file:
            return file.read(_MAX_FILE).decode("ascii")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise DestinationError(f"its {what} cannot be read from the Secret: {reason}") from None
    except UnicodeDecodeError:
        raise DestinationError(f"its {what} in the Secret is no ASCII text") from None
