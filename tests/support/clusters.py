"""Session-wide clusters; a conftest makes them its own by importing them:

from support.clusters import cluster, control_plane
"""

from collections.abc import Iterator

import pytest

import testcluster


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[testcluster.ControlPlane]:
    """API server, controllers and scheduler without a node; no root needed."""
    with testcluster.control_plane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[testcluster.Cluster]:
    """A whole cluster of one real node; needs root."""
    with testcluster.cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one
