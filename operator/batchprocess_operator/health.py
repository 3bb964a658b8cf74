"""The answer to the liveness probe: whoever gets it in time knows that our loop turns."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from batchprocess_operator.listen.pages import Page, serve_page


def serve_health(
    host: str, port: int, facts: Callable[[], Mapping[str, float]]
) -> AbstractAsyncContextManager[int]:
    """Answer GET /healthz with `facts` while the block runs; yields the port."""
    page = Page("/healthz", "application/json", lambda: json.dumps(dict(facts())).encode())
    return serve_page(page, host, port)
