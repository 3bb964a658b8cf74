"""Makes all files of a release into a folder, and SHA256SUMS over them: `python -m release`.

The same commit makes the same bytes, but for images. `--images` (root; buildah) builds these too.
"""

import argparse
import os
from pathlib import Path

from batchprocess.version import __version__
from release import bills, images, packages
from release.checksums import write_checksums

HOME = "https://github.com/OWNER/batchprocess"


def main() -> None:
    """Parse, and make one after another."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist"), help="an empty folder, or none")
    parser.add_argument(
        "--homepage", default=HOME, help="of the project, for the plugin's manifest"
    )
    parser.add_argument(
        "--files", help="where the files will lie; default: the homepage's releases"
    )
    parser.add_argument("--images", action="store_true", help="build both images as archives")
    parser.add_argument("--operator-base", default="", help="as `make images` takes it")
    parser.add_argument("--worker-base", default="", help="as `make images` takes it")
    given = parser.parse_args()
    out: Path = given.out.absolute()
    if out.exists() and any(out.iterdir()):
        parser.error(
            f"--out {out} is not empty: files of another release would be told as this one's"
        )
    out.mkdir(parents=True, exist_ok=True)
    files = given.files or f"{given.homepage}/releases/download/v{__version__}"
    os.environ["SOURCE_DATE_EPOCH"] = packages.time_of_commit()
    packages.python(out)
    packages.chart(out)
    packages.plugin(out, given.homepage, files)
    packages.locks(out)
    bills.write_bills(out)
    if given.images:
        images.archives(out, given.operator_base, given.worker_base)
    for line in write_checksums(out):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
