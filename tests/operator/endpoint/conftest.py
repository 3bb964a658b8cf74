"""The real endpoint, listening on loopback."""

import pytest

from support.operator.progress_server import GENEROUS, progress_server


@pytest.fixture
def server():
    with progress_server(GENEROUS) as made:
        yield made
