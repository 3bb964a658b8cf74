"""Makes all files of a release into a folder, and SHA256SUMS over them: `python -m release`.

The same commit makes the same bytes, but for images. `--images` (root; buildah) builds these too.
A tree with changes that no commit has is refused: a version would say nothing of its files.
"""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from batchprocess.version import __version__
from release import bills, images, packages
from release.checksums import write_checksums

UNKNOWN = "https://github.com/OWNER/batchprocess"
"""What the plugin's manifest, which has to name a place, names where no homepage is given."""


def main() -> None:
    """Parse, and make one after another."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist"), help="an empty folder, or none")
    parser.add_argument(
        "--homepage", type=_address, help="of the project, for the chart and the plugin's manifest"
    )
    parser.add_argument(
        "--files", help="where the files will lie; default: the homepage's releases"
    )
    parser.add_argument("--images", action="store_true", help="build both images as archives")
    parser.add_argument("--operator-base", default="", help="as `make images` takes it")
    parser.add_argument("--worker-base", default="", help="as `make images` takes it")
    parser.add_argument("--uncommitted", action="store_true", help="take a changed tree, to try it")
    given = parser.parse_args()
    out: Path = given.out.absolute()
    if out.exists() and any(out.iterdir()):
        parser.error(
            f"--out {out} is not empty: files of another release would be told as this one's"
        )
    changed = packages.changed_files(packages.ROOT)
    if changed and not given.uncommitted:
        parser.error(
            f"no commit has what is in {_some(changed)}: a release is made of a commit, so commit"
            " that or remove it (--uncommitted makes files to try, not to give away)"
        )
    out.mkdir(parents=True, exist_ok=True)
    home = given.homepage or UNKNOWN
    files = given.files or f"{home}/releases/download/v{__version__}"
    os.environ["SOURCE_DATE_EPOCH"] = packages.time_of_commit()
    packages.python(out)
    packages.chart(out, given.homepage)
    packages.plugin(out, home, files)
    packages.locks(out)
    bills.write_bills(out)
    if given.images:
        images.archives(out, given.operator_base, given.worker_base)
    for line in write_checksums(out):
        print(line)  # noqa: T201


def _address(text: str) -> str:
    """A homepage as it was given; argparse says what is wrong with another."""
    if not re.fullmatch(r"https://[^\s\"]+[^\s\"/]", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address: https://HOST/PATH without a slash at the end"
        )
    return text


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


if __name__ == "__main__":
    main()
