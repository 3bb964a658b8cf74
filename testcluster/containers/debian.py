"""A minimal Debian with Python: what images are built on where no registry is in reach."""

import shutil
import tempfile
from pathlib import Path

from testcluster.containers.archives import Image, archive, layer
from testcluster.containers.buildah import CACHE, load
from testcluster.machine.shell import output

BASE = Image("localhost/batchprocess/base:test")
SUITE, PACKAGES = "bookworm", ("python3-venv", "ca-certificates")
KEPT = CACHE / f"{'+'.join((SUITE, *PACKAGES))}.layer"


def base_layer() -> Path:
    """The layer of a minimal Debian with Python and certificates. Needs root, a minute once.

    Raises ClusterError if debootstrap fails.
    """
    if not KEPT.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            rootfs = Path(folder, "rootfs")
            flags = ("--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE)
            output("debootstrap", *flags, str(rootfs), seconds=1800)
            for dropped in ("var/cache/apt", "var/lib/apt/lists"):
                shutil.rmtree(rootfs / dropped)
            # Renamed when whole: a killed or simultaneous build leaves nothing half to be found.
            layer(rootfs, Path(folder, "layer")).rename(KEPT)
    return KEPT


def base(target: Path) -> Path:
    """Write the archive of that Debian: what Dockerfiles are built on where no registry is."""
    return archive(BASE, [base_layer()], target)


def load_base() -> None:
    """Make that Debian known to builds."""
    with tempfile.TemporaryDirectory(dir=base_layer().parent) as folder:
        load(base(Path(folder, "base.tar")))
