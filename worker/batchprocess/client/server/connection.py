"""Plain-object requests to the API server, patient while it does not answer.

Objects pass as they are: the generated classes of the kubernetes package check every field of
every object against one Kubernetes version. Only its connection, TLS and credentials are used.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from batchprocess.backoff import Backoff
from batchprocess.client.errors import NotFound, Unavailable
from batchprocess.client.names import check_namespace
from batchprocess.client.server.login import log_in
from batchprocess.client.server.transport import (
    AnswerTooLong,
    NestedTooDeep,
    Transport,
    decoded,
)
from batchprocess.kube import requests
from batchprocess.kube.pages import Pages
from batchprocess.kube.requests import MERGE_PATCH, Object
from batchprocess.plain_text import plain

PATIENCE_SECONDS = 30.0
"""Of a single request; who waits for a job is more patient."""
_NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_LOG = logging.getLogger(__name__)
BACKOFF = Backoff(0.5, 5.0)
T = TypeVar("T")


@dataclass(frozen=True)
class Connection:
    """To a cluster, and the namespace of it that is meant. Time and chance are arguments.

    patience: seconds for which a request is sent again while nobody answers.
    """

    transport: Transport = field(repr=False)
    namespace: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    draw: Callable[[], float] = random.random
    patience: float = PATIENCE_SECONDS

    def get(self, path: str) -> Object:
        """The object at `path`. Raises NotFound, Denied, Unavailable."""
        return decoded(self.patiently(lambda: self.transport.text(requests.get(path))))

    def create(self, path: str, body: Mapping[str, Any]) -> Object:
        """Create `body` in the collection at `path`, unknown fields refused. Sent once.

        Raises AlreadyExists, Rejected, Denied; Unavailable if it may have been created.
        """
        strict = requests.create(path, body, {"fieldValidation": "Strict"})
        return decoded(self.transport.text(strict))

    def patch(self, path: str, body: Mapping[str, Any], kind: str = MERGE_PATCH) -> Object:
        """Patch the object at `path`. `body` must mean the same if it is sent twice.

        Raises Changed if it names a uid or resourceVersion that is not the stored object's.
        """
        request = requests.patch(path, body, kind)
        return decoded(self.patiently(lambda: self.transport.text(request)))

    def delete(self, path: str, *, uid: str) -> None:
        """Delete the object with `uid`, and what it owns soon after. Raises NotFound, Changed."""
        self.patiently(lambda: self.transport.text(requests.delete(path, uid)))

    def pages(self, path: str, selector: str | None = None) -> Iterator[Object]:
        """Every object of the collection at `path`, of which some are asked for at once.

        One that Python cannot read is left out, with a warning that names it.
        """
        pages = Pages(path, selector)
        while pages.more:
            read = self._page(path, pages)
            if read is None:
                pages.shrink()
                continue
            page, length = read
            yield from page.get("items") or ()
            pages.took(page, length)

    def _page(self, path: str, pages: Pages) -> tuple[Object, int] | None:
        """It and its bytes; None for one that cannot be read, and is not of one object alone."""
        try:
            text = self.patiently(lambda: self.transport.text(pages.request, pages.most))
            return decoded(text), len(text)
        except AnswerTooLong:
            if pages.alone:
                raise
        except NestedTooDeep:
            if pages.alone:
                return self._without_deep(path, pages.request.query), 0
        return None

    def _without_deep(self, path: str, query: Mapping[str, str]) -> Object:
        """The page again, of which only names were asked for."""
        named = requests.get(path, query, _NAMES)
        page = decoded(self.patiently(lambda: self.transport.text(named)))
        items = []
        for name in [one["metadata"]["name"] for one in page.get("items") or ()]:
            try:
                items.append(self.get(f"{path}/{name}"))  # it may be another one by now
            except NestedTooDeep:
                _LOG.warning("%s is left out: nested deeper than can be read", plain(str(name)))
            except NotFound:
                continue
        return {"items": items, "metadata": page.get("metadata") or {}}

    def patiently(self, ask: Callable[[], T]) -> T:
        """What `ask` gives, asked again while nobody answers and patience lasts."""
        begun, failures = self.clock(), 0
        while True:
            try:
                return ask()
            except Unavailable:
                failures += 1
                pause = BACKOFF.jittered(failures, self.draw)
                if self.clock() - begun + pause > self.patience:
                    raise
                self.sleep(pause)


def connect(
    namespace: str | None = None,
    context: str | None = None,
    kubeconfig: str | None = None,
    impatient: float | None = None,
) -> Connection:
    """To the cluster of a kubeconfig, as `log_in` finds it. Raises NotConfigured.

    impatient: seconds for one answer, and no request is sent again.
    """
    client, meant = log_in(context, kubeconfig)
    name = check_namespace(namespace or meant)
    if impatient is not None:
        return Connection(Transport(client, impatient), name, patience=0.0)
    return Connection(Transport(client), name)
