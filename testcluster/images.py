"""The images of the test cluster: the sandbox, a Debian base, the worker, the operator.

No registry is asked: the base comes from debootstrap, the rest is built on it. Large parts are
made once and kept in `.cache/images`.
"""

import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testcluster.archives import Image, archive, layer
from testcluster.node import PAUSE_IMAGE
from testcluster.shell import output
from testcluster.tools import ROOT, built

CACHE = ROOT / ".cache" / "images"
BASE = Image("localhost/batchprocess/base:test")
SUITE, PACKAGES = "bookworm", ("python3-venv", "ca-certificates")

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


def base_layer() -> Path:
    """The layer of a minimal Debian with Python and certificates. Needs root, a minute once.

    Raises ClusterError if debootstrap fails.
    """
    kept = CACHE / f"{'+'.join((SUITE, *PACKAGES))}.layer"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            rootfs = Path(folder, "rootfs")
            flags = ("--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE)
            output("debootstrap", *flags, str(rootfs), seconds=1800)
            for dropped in ("var/cache/apt", "var/lib/apt/lists"):
                shutil.rmtree(rootfs / dropped)
            layer(rootfs, kept)
    return kept


def base(target: Path) -> Path:
    """Write the archive of that Debian: what Dockerfiles are built on where no registry is."""
    return archive(BASE, [base_layer()], target)


def worker(target: Path) -> Path:
    """Write the archive of a worker: Debian and the source as it is now, without torch.

    A pod needs the volumes of `HostPython` as well.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = layer(ROOT / "worker", Path(folder, "source.layer"), SOURCE.removeprefix("/"))
        return archive(WORKER, [base_layer(), source], target)


@dataclass(frozen=True)
class HostPython:
    """This machine's interpreter and packages, torch among them, for pods to mount read-only.

    Copying 5 GB into an image for every run is what it spares. The interpreter is mounted at
    another path than it was built for: the worker image's environment makes it find itself.
    """

    interpreter: Path = Path(sys.base_prefix)
    packages: Path = Path(sysconfig.get_path("purelib"))

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
