"""The operator as a process of its own, on a real API server."""

import contextlib
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import testcluster
from testcluster.machine.ports import answers, free_port
from testcluster.machine.programs import Program
from testcluster.tools import ROOT


@dataclass(frozen=True)
class OperatorProcess:
    """A running one, which is ready."""

    plane: testcluster.ControlPlane
    name: str
    health: str

    @property
    def pid(self) -> int:
        return self.plane.programs.process(self.name).pid

    @property
    def log(self) -> str:
        return self.plane.programs.log(self.name).read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self.plane.programs.process(self.name).alive()

    def memory(self) -> float:
        """The most that was resident so far, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1_024


@contextlib.contextmanager
def operator_process(
    plane: testcluster.ControlPlane, name: str, group: str = "system:masters", **settings: str
) -> Iterator[OperatorProcess]:
    """Start one as a user `name` of `group` with these settings; it is stopped afterwards."""
    kubeconfig = plane.client(name, name, group)
    health = f"127.0.0.1:{free_port()}"
    variables = {"HEALTH_ADDRESS": health, **settings}
    given = [f"BATCHPROCESS_OPERATOR_{key}={value}" for key, value in variables.items()]
    paths = f"PYTHONPATH={ROOT / 'operator'}:{ROOT / 'worker'}"
    command = (sys.executable, "-m", "batchprocess_operator")
    argv = ("/usr/bin/env", f"KUBECONFIG={kubeconfig}", paths, *given, *command)
    ready = functools.partial(answers, f"http://{health}/healthz")
    plane.programs.run(Program(name, argv, ready))
    try:
        yield OperatorProcess(plane, name, health)
    finally:
        plane.programs.stop(name)
