"""One cluster, one store and one operator for all end-to-end tests of a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clusters import cluster
from support.e2e_checks import predictions
from support.e2e_operator import ProcessOperator, process_operator
from support.e2e_store import Store
from support.e2e_world import ROOT, World
from testcluster import Cluster, images

__all__ = ["cluster"]
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def store(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An S3 server that pods reach."""
    with Store.running(tmp_path_factory.mktemp("s3"), cluster.host_address) as store:
        yield store


@pytest.fixture(scope="session")
def operator(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProcessOperator]:
    """The operator, running."""
    with process_operator(cluster, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture(scope="session")
def world(
    cluster: Cluster,
    store: Store,
    operator: ProcessOperator,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    """Everything that a job needs."""
    cluster.node.import_image(images.worker(tmp_path_factory.mktemp("images") / "worker.tar"))
    world = World(cluster.kubectl, "e2e", store.server)
    disturbed = tmp_path_factory.mktemp("disturbed")
    for path in (*(ROOT / "examples/digits").iterdir(), *(HERE / "disturbed").iterdir()):
        if path.suffix in (".py", ".npz"):
            (disturbed / path.name).write_bytes(path.read_bytes())
    world.prepare(digits=ROOT / "examples/digits", disturbed=disturbed)
    return world


@pytest.fixture(scope="session")
def expected(world: World) -> list[dict[str, int]]:
    """Every line of the uninterrupted run: of the digits job, which nobody disturbs."""
    from support.e2e_jobs import digits

    status = digits(world)
    assert status["state"] == "Complete", status
    return predictions(status["outputURI"], world)
