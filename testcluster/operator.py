"""The operator in a test cluster: its image built here, installed by the chart, with real helm."""

import ipaddress

from testcluster import images
from testcluster.shell import output
from testcluster.tools import ROOT, built
from testcluster.whole import Cluster

NAMESPACE, RELEASE = "batchprocess-system", "batchprocess"
DEPLOYMENT = "deployment/batchprocess-batchprocess-operator"
CHART = ROOT / "charts" / "batchprocess-operator"


def install_operator(cluster: Cluster) -> None:
    """Install CRD and operator, and wait until it is ready. Raises ClusterError with helm's words.

    A test cluster has no DNS, so workers get the service's address instead of its name.
    """
    cluster.node.import_image(images.operator())
    address = str(ipaddress.ip_network(cluster.node.network.services)[10])
    repository, _, tag = images.OPERATOR.rpartition(":")
    values = {
        "image.repository": repository,
        "image.tag": tag,
        "image.pullPolicy": "Never",
        "service.clusterIP": address,
        "progress.address": f"https://{address}:8443",
    }
    flags = [f"--set={name}={value}" for name, value in values.items()]
    flags += [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}"]
    command = ("upgrade", "--install", RELEASE, str(CHART), "--create-namespace", "--wait")
    output(built("helm"), *command, "--timeout=3m", *flags, seconds=240)
