"""Bills of materials (SBOM) in the CycloneDX format."""

from pathlib import Path

from batchprocess.version import __version__
from release.packages import ROOT, run

BILLS = {
    f"batchprocess-{__version__}": "worker",
    "batchprocess-operator-image": "operator",
    "batchprocess-worker-image": "worker-image",
}
"""For what, and the lock that names what is installed with it. Bases of images have their own."""


def write_bills(out: Path) -> None:
    """Write one of each, checked against the format's schema by who writes it."""
    program = str(ROOT / ".cache" / "sbom" / "bin" / "cyclonedx-py")
    for name, lock in BILLS.items():
        about = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
        made = ["--spec-version", "1.6", "--output-file", str(out / f"{name}.cdx.json")]
        run(program, "requirements", *about, *made, str(out / f"requirements-{lock}.txt"))
