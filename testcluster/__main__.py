"""`python -m testcluster up|down|images`: a cluster that lives until it is taken down; images."""

import argparse
import datetime
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from testcluster import images
from testcluster.errors import ClusterError
from testcluster.plane import ControlPlane, Settings
from testcluster.programs import Programs
from testcluster.tools import ROOT
from testcluster.whole import Cluster, remove, start

FOLDER = ROOT / ".cache" / "cluster"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m testcluster", description=__doc__)
    parser.add_argument("what", choices=("up", "down", "images"))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the cluster lives")
    parser.add_argument("--control-plane", action="store_true", help="no node, so no root needed")
    for name in ("operator", "worker"):
        told = f"base of the {name}'s image: a name, or `here` for one made on this machine"
        parser.add_argument(f"--{name}-base", default="", help=told)
    try:
        for line in _do(parser.parse_args(arguments)):
            print(line)
    except ClusterError as error:
        print(f"testcluster: {error}", file=sys.stderr)
        return 1
    return 0


def _do(given: argparse.Namespace) -> list[str]:
    """What to print when it is done."""
    folder = given.folder.resolve()
    if given.what == "images":
        return images.build_both(given.operator_base, given.worker_base)
    if given.what == "down":
        down(folder)
        return []
    return [f"export KUBECONFIG={up(folder, control_plane_alone=given.control_plane)}"]


def up(folder: Path, *, control_plane_alone: bool = False) -> Path:
    """Start a cluster that outlives us; its kubeconfig.

    Raises ClusterError if there is one in the folder already, or a part does not start.
    """
    if folder.exists():
        raise ClusterError(f"{folder} exists; `make cluster-down` removes the cluster in it")
    programs = Programs(folder, live_on=True)
    try:
        if control_plane_alone:
            plane = ControlPlane(programs, Settings(), datetime.datetime.now(datetime.UTC))
            plane.start()
            return plane.kubeconfig
        started = start(programs, {})
        install_operator(started)
    except (ClusterError, KeyboardInterrupt):
        remove(programs)
        raise
    return started.kubeconfig


def down(folder: Path) -> None:
    """End the cluster in the folder, if there is one, and delete the folder."""
    if folder.exists():
        remove(Programs(folder))
        shutil.rmtree(folder)


def install_operator(started: Cluster) -> None:
    """Install the CRD and the operator by Helm; filled in together with the chart."""


if __name__ == "__main__":
    sys.exit(main())
