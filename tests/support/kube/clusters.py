"""Session-wide clusters; a conftest makes them its own by importing them:

from support.kube.clusters import cluster, control_plane, operator_image, worker_image
"""

from collections.abc import Iterator

import pytest

import testcluster
from testcluster.containers import images


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


@pytest.fixture(scope="session")
def worker_image(cluster: testcluster.Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a worker image with the source as it is now, loaded into the node.

    Its pods need the volumes of `testcluster.containers.images.HostPython`, for torch.
    """
    cluster.node.import_image(images.worker(tmp_path_factory.mktemp("images") / "worker.tar"))
    return images.WORKER.name


@pytest.fixture(scope="session")
def operator_image(cluster: testcluster.Cluster) -> str:
    """The name of the image that Dockerfile.operator makes of the source, loaded into the node."""
    cluster.node.import_image(images.operator())
    return images.OPERATOR
