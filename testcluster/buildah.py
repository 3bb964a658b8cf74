"""Dockerfiles built by buildah, without a daemon and without a registry. Needs root."""

from collections.abc import Mapping
from pathlib import Path

from testcluster.shell import output
from testcluster.tools import ROOT

STORAGE = ROOT / ".cache" / "images" / "storage"
# What pip needs to reach its index from inside a build as it does outside.
SHARED = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")


def build(dockerfile: str, name: str, arguments: Mapping[str, str], target: Path) -> Path:
    """Build a Dockerfile of the repository and write the image as a docker-archive.

    `arguments` are build arguments: {"BASE": "localhost/batchprocess/base:test"}.
    Raises ClusterError with the build's output if it fails.
    """
    shared = [f"--volume={path}:{path}:ro" for path in SHARED if Path(path).exists()]
    given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
    build_ = ("bud", "--isolation=chroot", "--pull-never", f"--file={ROOT / dockerfile}")
    _buildah(*build_, f"--tag={name}", *shared, *given, str(ROOT), seconds=3600)
    target.unlink(missing_ok=True)
    _buildah("push", name, f"docker-archive:{target}:{name}")
    return target


def load(archive: Path) -> None:
    """Make the image of a docker-archive known to later builds."""
    _buildah("pull", f"docker-archive:{archive}")


def _buildah(*arguments: str, seconds: float = 600.0) -> str:
    storage = (f"--root={STORAGE}", f"--runroot={STORAGE}-run", "--storage-driver=vfs")
    return output("buildah", *storage, *arguments, seconds=seconds)
