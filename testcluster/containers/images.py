"""The images of the test cluster: the sandbox, the worker, the operator.

No registry is asked: all is built on a Debian from debootstrap. Large parts are made once and kept
in `.cache/images`.
"""

import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testcluster.containers import debian
from testcluster.containers.archives import Image, archive, layer
from testcluster.containers.buildah import Build
from testcluster.containers.debian import BASE, base_layer, load_base
from testcluster.kubernetes.node import PAUSE_IMAGE
from testcluster.step import Say, step
from testcluster.tools import ROOT, built

OPERATOR = "localhost/batchprocess/operator:test"
TORCH = "localhost/batchprocess/torch:test"
WHOLE_WORKER = "localhost/batchprocess/whole-worker:test"

# Where the worker image looks for an interpreter and packages of the machine; see HostPython.
PYTHON, SITE_PACKAGES, SOURCE = "/opt/python", "/opt/site-packages", "/app"
WORKER = Image(
    "localhost/batchprocess/worker:test",
    environment={
        "PATH": f"{PYTHON}/bin:/usr/local/bin:/usr/bin:/bin",
        "LD_LIBRARY_PATH": f"{PYTHON}/lib",
        "PYTHONPATH": f"{SOURCE}:{SITE_PACKAGES}",
        "PYTHONDONTWRITEBYTECODE": "1",
    },
    user="65532:65532",
    folder=SOURCE,
)


def pause(target: Path) -> Path:
    """Write the archive of a pod's sandbox: one static program."""
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder, "content")
        content.mkdir()
        shutil.copy(built("pause"), content / "pause")
        only = layer(content, Path(folder, "pause.layer"))
        return archive(Image(PAUSE_IMAGE, ("/pause",), user="65535:65535"), [only], target)


def worker(target: Path) -> Path:
    """Write the archive of a worker: Debian and the source as it is now, without torch.

    A pod needs the volumes of `HostPython` as well.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = layer(ROOT / "worker", Path(folder, "source.layer"), SOURCE.removeprefix("/"))
        return archive(WORKER, [base_layer(), source], target)


def operator() -> Path:
    """The archive of the operator's image, built from Dockerfile.operator on that Debian."""
    return _operator(BASE.name).archive(load_base)


def whole_worker() -> Path:
    """The archive of the image of Dockerfile.worker, torch included: 6 GB and many minutes."""
    return _worker(_torch().stored(load_base)).archive(lambda: None)


def prepare(say: Say) -> None:
    """Make ahead, and keep, what takes long of a cluster with the operator, unless it is there."""
    if not debian.KEPT.exists():
        with step("Debian, which images are built on", "1 minute", say):
            base_layer()
    if not _operator(BASE.name).kept().exists():
        with step("The operator's image", "1 minute", say):
            operator()


def build_both(operator_base: str, worker_base: str, tell: Say) -> list[str]:
    """Build both Dockerfiles on bases: a name, "" for the Dockerfile's own, or "here".

    "here" is a Debian made on this machine, without a registry. The images' names, as
    `buildah images` with the storage in .cache/images shows them.
    """
    if "here" in (operator_base, worker_base):
        tell("making the Debian that images are built on")
        load_base()
    if worker_base == "here":
        tell("building a base with torch, unless it is there")
        worker_base = _torch().stored(load_base)
    both = [
        _operator(BASE.name if operator_base == "here" else operator_base),
        _worker(worker_base),
    ]
    for one in both:
        tell(f"building {one.name}")
        one.build(one.name)
    return [one.name for one in both]


def _operator(on: str) -> Build:
    lock = ("requirements/operator.txt", "requirements/bootstrap.txt")
    inputs = ("pyproject.toml", "README.md", "LICENSE", "worker", "operator", *lock)
    return Build("Dockerfile.operator", OPERATOR, {"BASE": on} if on else {}, inputs)


def _worker(on: str) -> Build:
    lock = ("requirements/worker-image.txt", "requirements/bootstrap.txt")
    inputs = ("pyproject.toml", "README.md", "LICENSE", "worker", *lock)
    return Build("Dockerfile.worker", WHOLE_WORKER, {"BASE": on} if on else {}, inputs)


def _torch() -> Build:
    lock = ("requirements/worker.txt",)
    return Build("testcluster/Dockerfile.torch", TORCH, {"BASE": BASE.name}, lock)


@dataclass(frozen=True)
class HostPython:
    """This machine's interpreter and packages, torch among them, for pods to mount read-only.

    Copying 5 GB into an image for every run is what it spares. The interpreter is mounted at
    another path than it was built for: the worker image's environment makes it find itself.
    """

    interpreter: Path = Path(sys.base_prefix)
    packages: Path = Path(sysconfig.get_path("purelib"))

    def folders(self) -> dict[str, Path]:
        """Where a container of the worker image looks for what; see `lending`."""
        return {PYTHON: self.interpreter, SITE_PACKAGES: self.packages}

    def volumes(self) -> list[dict[str, Any]]:
        """Volumes for a pod's spec."""
        folders = {"host-python": self.interpreter, "host-packages": self.packages}
        return [
            {"name": name, "hostPath": {"path": str(path.resolve()), "type": "Directory"}}
            for name, path in folders.items()
        ]

    def mounts(self) -> list[dict[str, Any]]:
        """Volume mounts for a container of the worker image."""
        folders = {"host-python": PYTHON, "host-packages": SITE_PACKAGES}
        return [
            {"name": name, "mountPath": path, "readOnly": True} for name, path in folders.items()
        ]
