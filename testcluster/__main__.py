"""`python -m testcluster WHAT`: a cluster that lives until it is taken down; images.

up        start it, with the operator, a worker image and an S3 server, and say how to run a job
load      IMAGE: an archive (docker save), or a name that `images` has built, for pods to use
down      end it and delete its folder
images    build both Dockerfiles
prepare   make ahead the images that `up` would make
"""

import argparse
import functools
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from testcluster.containers import images
from testcluster.containers.buildah import buildah, pushing
from testcluster.errors import ClusterError
from testcluster.kubernetes.plane import ControlPlane, Settings
from testcluster.machine.programs import Programs
from testcluster.operator import install_operator
from testcluster.step import Say
from testcluster.tools import ROOT
from testcluster.trying import prepare, telling
from testcluster.whole import node_of, remove, start

FOLDER = ROOT / ".cache" / "cluster"
_say = functools.partial(print, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 with a sentence on standard error."""
    try:
        for line in _do(_parser().parse_args(arguments)):
            print(line)
    except ClusterError as error:
        print(f"testcluster: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testcluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("up", "load", "down", "images", "prepare"))
    parser.add_argument("image", nargs="?", help="what to load")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the cluster lives")
    parser.add_argument("--control-plane", action="store_true", help="no node, so no root needed")
    memory = "keep images in memory: less to write and delete, for those without torch in them"
    parser.add_argument("--images-in-memory", action="store_true", help=memory)
    for name in ("operator", "worker"):
        told = f"base of the {name}'s image: a name, or `here` for one made on this machine"
        parser.add_argument(f"--{name}-base", default="", help=told)
    return parser


def _do(given: argparse.Namespace) -> Iterator[str]:
    """What to print when it is done."""
    folder = given.folder.resolve()
    match given.what:
        case "up":
            with telling(_say) as tell:
                usage = up(folder, tell, given.control_plane, given.images_in_memory)
            yield usage
        case "load":
            yield from load(folder, given.image)
        case "down":
            down(folder)
        case "images":
            with telling(_say) as tell:
                built = images.build_both(given.operator_base, given.worker_base, tell)
            yield from (f"{name} is built. To push it:\n  {pushing(name)}" for name in built)
        case "prepare":
            images.prepare(_say)


def up(folder: Path, tell: Say, control_plane_alone: bool, images_in_memory: bool) -> str:
    """Start a cluster that outlives us; what to print for whoever wants to use it.

    Raises ClusterError if there is one in the folder already, or a part does not start.
    """
    if folder.exists():
        raise ClusterError(f"{folder} exists; `make cluster-down` removes the cluster in it")
    programs = Programs(folder, live_on=True, tell=tell)
    try:
        if control_plane_alone:
            plane = ControlPlane(programs, Settings())
            plane.start()
            return f"export KUBECONFIG={plane.kubeconfig}"
        lent = images.HostPython().folders()
        started = start(programs, {}, lent, images_in_memory=images_in_memory)
        install_operator(started)
        return prepare(started)
    except (ClusterError, KeyboardInterrupt):
        remove(programs)
        raise


def load(folder: Path, image: str | None) -> list[str]:
    """Give an image to the node of a running cluster; the names of all that it has now.

    Raises ClusterError if there is no such cluster or image.
    """
    node = node_of(folder)
    if image is None:
        raise ClusterError(
            "load what? An archive (docker save -o ARCHIVE IMAGE), or an image's name"
        )
    if Path(image).is_file():
        node.import_image(Path(image).resolve())
    else:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            archive = Path(made, "image.tar")
            buildah("push", image, f"docker-archive:{archive}:{image}")
            node.import_image(archive)
    return node.images()


def down(folder: Path) -> None:
    """End the cluster in the folder, if there is one, and delete the folder."""
    if folder.exists():
        remove(Programs(folder))
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
