"""Bills of materials (SBOM) in the CycloneDX format."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchprocess.version import __version__
from release import vendor
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
        _add_browser_libraries(out / f"{name}.cdx.json")


def _add_browser_libraries(bill: Path) -> None:
    """Those that are part of our own package, and so of each of these: no lock has them."""
    found = json.loads(bill.read_text())
    found["components"] += [_component(name, about) for name, about in vendor.packages().items()]
    bill.write_text(json.dumps(found, indent=2) + "\n")


def _component(name: str, about: Mapping[str, Any]) -> dict[str, Any]:
    address = f"pkg:npm/{name}@{about['version']}"
    digest = base64.b64decode(about["integrity"].removeprefix("sha512-")).hex()
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": about["version"],
        "hashes": [{"alg": "SHA-512", "content": digest}],
        "licenses": [{"license": {"id": about["licence"]}}],
        "purl": address,
    }
