"""One cluster, one store and one operator for all end-to-end tests of a session."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import testcluster
from support.e2e.checks import predictions
from support.e2e.given import Given
from support.e2e.jobs import digits
from support.e2e.operator import InstalledOperator
from support.e2e.store import Store
from support.e2e.world import ROOT, World
from support.kube.kueue import API_SERVER_FLAG
from testcluster.containers import images

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def given() -> Given | None:
    """A cluster from outside, if the environment names one."""
    return Given.from_env(os.environ)


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest, given: Given | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[testcluster.Cluster]:
    """A cluster of our own, whose programs and processes a test may kill; needs root."""
    if given is not None:
        pytest.skip("kills programs and processes of its node: needs a cluster of its own")
    # The long versions bring an image of 6 GB.
    small = not any(item.get_closest_marker("full") for item in request.session.items)
    folder = tmp_path_factory.mktemp("cluster")
    flags = {"kube-apiserver": [API_SERVER_FLAG]}
    with testcluster.cluster(folder, flags, images_in_memory=small) as one:
        yield one


@pytest.fixture(scope="session")
def store(
    request: pytest.FixtureRequest, given: Given | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """An S3 server that pods reach."""
    address = given.address if given else request.getfixturevalue("cluster").host_address
    with Store.running(tmp_path_factory.mktemp("s3"), address) as store:
        yield store


@pytest.fixture(scope="session")
def operator(request: pytest.FixtureRequest, given: Given | None) -> InstalledOperator:
    """The operator, running."""
    if given is not None:
        return InstalledOperator(given.kubectl)
    return InstalledOperator.install(request.getfixturevalue("cluster"))


@pytest.fixture(scope="session")
def world(
    request: pytest.FixtureRequest,
    given: Given | None,
    store: Store,
    operator: InstalledOperator,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    """Everything that a job needs."""
    if given is not None:
        world = World(given.kubectl, "e2e", store.server, given.image, host_python=None)
    else:
        cluster = request.getfixturevalue("cluster")
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
    status = digits(world)
    assert status["state"] == "Complete", status
    return predictions(status["outputURI"], world)
