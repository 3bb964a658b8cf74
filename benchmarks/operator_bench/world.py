"""A control plane, kwok and the operator, each a process of its own, and what they tell."""

import contextlib
import functools
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.operator_bench.stages import Play
from testcluster import ClusterError, ControlPlane, Settings, control_plane
from testcluster.machine.ports import answers, free_port
from testcluster.machine.programs import Program, Programs
from testcluster.machine.waiting import until
from testcluster.tools import ROOT, built

OPERATOR = "batchprocess-operator"
CRD = ROOT / "crds" / "batchprocess.dev_batchprocessjobs.yaml"
_NODES = 4
_FAKE = "kwok.x-k8s.io/node"
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "users": [OPERATOR],
            "verbs": ["create", "update", "patch", "delete"],
        },
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class World:
    """A running control plane in which pods are played; the operator is started by `operator`."""

    plane: ControlPlane
    audit_log: Path

    def operator(self, name: str = OPERATOR, **variables: str) -> "Operator":
        """Start an operator with these settings beyond the usual ones; it is ready."""
        kubeconfig = self.plane.client("operator", OPERATOR, "system:masters")
        health = f"127.0.0.1:{free_port()}"
        settings = {"HEALTH_ADDRESS": health, **variables}
        environment = [f"BATCHPROCESS_OPERATOR_{name}={value}" for name, value in settings.items()]
        paths = f"PYTHONPATH={ROOT / 'operator'}:{ROOT / 'worker'}"
        command = (sys.executable, *_interpreted(self.plane.folder))
        argv = ("/usr/bin/env", f"KUBECONFIG={kubeconfig}", paths, *environment, *command)
        ready = functools.partial(answers, f"http://{health}/healthz")
        self.plane.programs.run(Program(name, argv, ready))
        return Operator(self.plane.programs, name)


@dataclass(frozen=True)
class Operator:
    """An operator's process."""

    programs: Programs
    name: str

    @property
    def pid(self) -> int:
        """Its id."""
        return self.programs.process(self.name).pid

    def stop(self) -> None:
        """As Kubernetes does, by SIGTERM."""
        self.programs.stop(self.name)

    def kill(self) -> None:
        """SIGKILL, then another start with the same settings; it is ready."""
        self.programs.restart(self.name, signal.SIGKILL)

    def memory(self) -> float:
        """The most that was resident so far, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1_024

    def cpu(self) -> float:
        """Seconds used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def complaints(self) -> list[str]:
        """Warnings and errors that it has logged."""
        lines = self.programs.log(self.name).read_text(errors="replace").splitlines()
        return [one for one in lines if " WARNING " in one or " ERROR " in one]


@contextlib.contextmanager
def world(play: Play, *more: str) -> Iterator[World]:
    """Everything but the operator; `more` are flags of the API server.

    The folder stays if BENCH_KEEP names one.
    """
    with contextlib.ExitStack() as stack:
        kept = os.environ.get("BENCH_KEEP")
        if kept:
            Path(kept).mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=kept))
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        policy, log = folder / "audit.yaml", folder / "audit.log"
        policy.write_text(yaml.safe_dump(_AUDIT))
        flags = [f"--audit-policy-file={policy}", f"--audit-log-path={log}", *more]
        settings = Settings(flags={"kube-apiserver": flags})
        plane = stack.enter_context(control_plane(folder, settings))
        plane.kubectl.apply(CRD.read_text())
        until("jobs can be listed", functools.partial(_lists_jobs, plane))
        _start_kwok(plane, play)
        yield World(plane, log)


def _lists_jobs(plane: ControlPlane) -> bool:
    try:
        plane.kubectl("get", "batchprocessjobs")
    except ClusterError:
        return False
    return True


def _start_kwok(plane: ControlPlane, play: Play) -> None:
    config = plane.folder / "kwok.yaml"
    config.write_text(play.stages())
    names = [f"played-{number}" for number in range(_NODES)]
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {_FAKE: "fake"},
                "labels": {"kubernetes.io/hostname": name},
            },
        }
        for name in names
    ]
    plane.kubectl.apply("\n---\n".join(map(json.dumps, nodes)))
    flags = (
        f"--kubeconfig={plane.kubeconfig}",
        f"--config={config}",
        f"--manage-nodes-with-annotation-selector={_FAKE}=fake",
        "--node-lease-duration-seconds=40",
    )

    def ready() -> bool:
        path = "--output=jsonpath={.items[*].spec.taints[*].key}{.items[*].status.phase}"
        return plane.kubectl("get", "nodes", path).split() == ["Running"] * _NODES

    plane.programs.run(Program("kwok", (built("kwok"), *flags), ready))


def _interpreted(folder: Path) -> tuple[str, ...]:
    """With BENCH_PROFILE=1 the operator writes where its CPU time went, for pstats."""
    if os.environ.get("BENCH_PROFILE") != "1":
        return ("-m", "batchprocess_operator")
    run = f"""
import atexit, cProfile, runpy, time
profile = cProfile.Profile(time.process_time)
atexit.register(lambda: profile.dump_stats({str(folder / "operator.prof")!r}))
profile.runcall(runpy.run_module, "batchprocess_operator", run_name="__main__", alter_sys=True)
"""
    return ("-c", run)
