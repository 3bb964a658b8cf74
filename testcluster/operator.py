"""The operator in a test cluster: its image built here, installed by the chart, with real helm."""

from testcluster.containers import images
from testcluster.machine.shell import output
from testcluster.tools import ROOT, built
from testcluster.whole import Cluster

NAMESPACE, RELEASE = "batchprocess-system", "batchprocess"
DEPLOYMENT = "deployment/batchprocess-batchprocess-operator"
SERVICE = "batchprocess-batchprocess-operator"
CHART = ROOT / "charts" / "batchprocess-operator"


def install_operator(cluster: Cluster) -> None:
    """Install CRD and operator, wait until it is ready; ClusterError has helm's words."""
    tell = cluster.programs.tell
    tell("building the operator's image, which takes minutes if its source has changed")
    archive = images.operator()
    tell("loading it into the node")
    cluster.node.import_image(archive)
    tell("installing the CRD and the operator with helm, and waiting until it is ready")
    repository, _, tag = images.OPERATOR.rpartition(":")
    values = {
        "image.repository": repository,
        "image.tag": tag,
        "image.pullPolicy": "Never",
        "page.enabled": "true",
    }
    flags = [f"--set={name}={value}" for name, value in values.items()]
    flags += [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}"]
    command = ("upgrade", "--install", RELEASE, str(CHART), "--create-namespace", "--wait")
    output(built("helm"), *command, "--timeout=3m", *flags, seconds=240)
