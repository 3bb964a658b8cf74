"""Both images as archives, which `docker load` and `ctr images import` take. Needs root."""

from pathlib import Path

from batchprocess.version import __version__
from testcluster.containers.buildah import save
from testcluster.containers.images import build_both

NAMES = ("batchprocess-operator", "batchprocess-worker")


def archives(out: Path, operator_base: str, worker_base: str) -> None:
    """Build both on their bases, and save each under its name and version."""
    built = build_both(operator_base, worker_base, lambda said: print(said, flush=True))  # noqa: T201
    for name, image in zip(NAMES, built, strict=True):
        save(image, out / f"{name}-image-{__version__}.tar", f"{name}:{__version__}")
