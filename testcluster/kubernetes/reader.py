"""Objects read from an API server by requests of our own.

A process of kubectl for each costs a tenth of a second of a processor, and whoever waits for
something asks several times a second.
"""

import contextlib
import http.client
import json
import ssl
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import yaml

from testcluster.errors import ClusterError

KINDS = {
    "/api/v1": ("node", "pod", "serviceaccount"),
    "/apis/batch/v1": ("job",),
    "/apis/batchprocess.dev/v1alpha1": ("batchprocessjob",),
}
"""Those that somebody waits for; kubectl knows all others."""


def collection(kind: str, namespace: str) -> str | None:
    """The path of a kind's objects in a namespace; None if the kind is not among KINDS."""
    singular = kind.removesuffix("s")
    group = next((group for group, kinds in KINDS.items() if singular in kinds), None)
    if group is None:
        return None
    if singular == "node":
        return f"{group}/nodes"
    return f"{group}/namespaces/{quote(namespace, safe='')}/{singular}s"


class Reader:
    """Reads as one client of one API server, known by a certificate."""

    def __init__(self, server: str, context: ssl.SSLContext) -> None:
        self._server = server
        self._context = context

    @classmethod
    def of(cls, kubeconfig: Path) -> "Reader | None":
        """As the kubeconfig's current context says, if it holds the certificates itself."""
        config = yaml.safe_load(kubeconfig.read_text())
        context = _named(config, "context", config.get("current-context"))
        cluster = _named(config, "cluster", context.get("cluster"))
        user = _named(config, "user", context.get("user"))
        try:
            authority = _decoded(cluster, "certificate-authority-data")
            certificate = _decoded(user, "client-certificate-data")
            return cls(
                cluster["server"],
                _context(authority, certificate, _decoded(user, "client-key-data")),
            )
        except KeyError:  # a token, or a program that fetches one: kubectl can do that
            return None

    def one(self, path: str, name: str) -> dict[str, Any]:
        """An object of a collection.

        Raises ClusterError with the API server's words, or if it does not answer.
        """
        return self._get(f"{path}/{quote(name, safe='')}")

    def all(self, path: str, selector: str) -> list[dict[str, Any]]:
        """The objects of a collection whose labels the selector takes."""
        query = urlencode({"labelSelector": selector})
        items: list[dict[str, Any]] = self._get(f"{path}?{query}")["items"]
        return items

    def _get(self, path: str) -> dict[str, Any]:
        url = urlsplit(self._server)
        # A connection for each, for the server may have been killed meanwhile.
        connection = http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=60, context=self._context
        )
        try:
            with contextlib.closing(connection):
                connection.request("GET", url.path + path, headers={"Accept": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError(f"GET {self._server}{path}: {error}") from error
        if answer.status != http.client.OK:
            raise ClusterError(f"GET {path}: {answer.status} {_words(body)}")
        found: dict[str, Any] = json.loads(body)
        return found


def _named(config: Mapping[str, Any], kind: str, name: str | None) -> Mapping[str, Any]:
    """An entry of one of a kubeconfig's lists; empty if there is none of the name."""
    found = [one[kind] for one in config.get(f"{kind}s") or () if one["name"] == name]
    return found[0] if found else {}


def _decoded(entry: Mapping[str, Any], key: str) -> str:
    return b64decode(entry[key]).decode()


def _context(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    # ssl takes a client's certificate from a file only.
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder, "client.pem")
        both.touch(mode=0o600)
        both.write_text(f"{key}\n{certificate}")
        context.load_cert_chain(both)
    return context


def _words(body: bytes) -> str:
    """The message of a Status, or what else was answered."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:500]
