"""As many connections as there are file descriptors."""

import pytest

from batchprocess_operator.endpoint.connections.bounds import Bounds


@pytest.mark.parametrize(
    ("descriptors", "kept", "strangers"),
    [(1 << 20, 2_500, 500), (3_000, 2_500, 500), (600, 500, 100), (90, 74, 16), (-200, 16, 16)],
)
def test_connections_fit_into_the_descriptors_and_a_few_are_always_let_in(
    descriptors: int, kept: int, strangers: int
):
    found = Bounds().within(descriptors)
    assert (found.kept, found.strangers) == (kept, strangers)
    assert found.handshakes == Bounds().handshakes
