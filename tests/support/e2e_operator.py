"""The operator in a test cluster, to be killed and started again."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import testcluster
from testcluster.ports import free_port

ROOT = Path(__file__).parents[2]
_PREFIX = "BATCHPROCESS_OPERATOR_"


@dataclass
class ProcessOperator:
    """The operator as a process of this machine, reached by pods at `address`."""

    kubeconfig: Path
    address: str
    log: Path
    secret: str = "operator-tls"
    port: int = field(init=False)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.port = free_port(self.address)

    def start(self) -> None:
        """Start it; it is ready when it is."""
        environ = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        environ["PYTHONPATH"] = f"{ROOT / 'operator'}:{ROOT / 'worker'}"
        settings = {
            "POD_NAMESPACE": "default",
            "PROGRESS_ADDRESS": f"https://{self.address}:{self.port}",
            "PROGRESS_HOST": self.address,
            "PROGRESS_PORT": str(self.port),
            "PROGRESS_SECRET": self.secret,
            "HEALTH_ADDRESS": f"{self.address}:{free_port(self.address)}",
        }
        environ |= {_PREFIX + name: value for name, value in settings.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "batchprocess_operator"],
                env=environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """SIGKILL, as the kernel would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None


@contextlib.contextmanager
def process_operator(cluster: testcluster.Cluster, folder: Path) -> Iterator[ProcessOperator]:
    """A running operator; its CRD is applied."""
    for crd in sorted((ROOT / "crds").glob("*.yaml")):
        cluster.kubectl.apply(crd.read_text())
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all")
    operator = ProcessOperator(cluster.kubeconfig, cluster.host_address, folder / "operator.log")
    cluster.kubectl("create", "secret", "generic", operator.secret)
    operator.start()
    try:
        yield operator
    finally:
        operator.kill()
