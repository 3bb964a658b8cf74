"""`python -m testcluster up|down`: a cluster for a person, which lives until it is taken down."""

import argparse
import datetime
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from testcluster.errors import ClusterError
from testcluster.plane import ControlPlane, Settings
from testcluster.programs import Programs
from testcluster.tools import ROOT
from testcluster.whole import Cluster, remove, start

FOLDER = ROOT / ".cache" / "cluster"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m testcluster", description=__doc__)
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the cluster lives")
    parser.add_argument("--control-plane", action="store_true", help="no node, so no root needed")
    given = parser.parse_args(arguments)
    folder = given.folder.resolve()
    try:
        if given.what == "down":
            down(folder)
        else:
            kubeconfig = up(folder, control_plane_alone=given.control_plane)
            print(f"export KUBECONFIG={kubeconfig}")
    except ClusterError as error:
        print(f"testcluster: {error}", file=sys.stderr)
        return 1
    return 0


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
