"""The whole worker image, as users build it, where pods are held to the restricted standard."""

import dataclasses

import pytest

import testcluster
from support.e2e.checks import assert_exactly_once
from support.e2e.given import Given
from support.e2e.jobs import PLAIN
from support.e2e.world import ROOT, World
from testcluster.containers import images

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@pytest.fixture
def restricted(request: pytest.FixtureRequest, given: Given | None, world: World) -> World:
    """The same store and operator; a namespace that admits no volume and no right of the host's."""
    if given is None:
        cluster: testcluster.Cluster = request.getfixturevalue("cluster")
        cluster.node.import_image(images.whole_worker())
    image = given.image if given else images.WHOLE_WORKER
    bare = dataclasses.replace(world, namespace="restricted", image=image, host_python=None)
    bare.prepare(digits=ROOT / "examples/digits")
    bare.kubectl("label", "namespace", bare.namespace, RESTRICTED, "--overwrite")
    return bare


def test_the_digits_job_runs_on_the_whole_image_under_the_restricted_standard(
    restricted: World, expected: list[dict[str, int]]
) -> None:
    template = restricted.template(securityContext={"runAsNonRoot": True})
    job = restricted.job("whole", shards=4, parallelism=2, worker={"template": template}, **PLAIN)
    restricted.apply(job)

    status = restricted.wait("whole", seconds=1200)

    assert status["state"] == "Complete", status
    assert_exactly_once(status["outputURI"], restricted, expected)
    for pod in restricted.pods("whole"):
        (container,) = pod["spec"]["containers"]
        assert container["image"] == restricted.image
        assert "hostPath" not in str(pod["spec"]["volumes"])
