"""The answers to the kubelet's probes.

/healthz: whoever gets it in time knows that our loop turns. /readyz: whether workers can report.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from batchprocess_operator.listen.pages import Page, serve_pages

_JSON = "application/json"


def serve_health(
    host: str, port: int, facts: Callable[[], Mapping[str, float]], ready: Callable[[], bool]
) -> AbstractAsyncContextManager[int]:
    """Answer GET /healthz with `facts`, and /readyz, while the block runs; yields the port."""
    healthy = Page("/healthz", _JSON, lambda: json.dumps(dict(facts())).encode())
    readiness = Page("/readyz", _JSON, lambda: json.dumps({"ready": ready()}).encode(), ready)
    return serve_pages((healthy, readiness), host, port)
