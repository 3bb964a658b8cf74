"""The namespaces of a node: its own processes, mounts and network, gone with its first process.

Whatever containerd, runc, CNI and kube-proxy leave behind (shims that detach themselves, overlay
mounts, network namespaces, chains) lives in there, so killing one process removes it all, and the
machine's own containers, firewall and /var are never touched. Needs root.
"""

import os

from testcluster.errors import ClusterError
from testcluster.machine.programs import Program, Programs
from testcluster.machine.shell import succeeds
from testcluster.tools import built, installed

HIDDEN = ("/run", "/var/lib", "/var/log")
NAME = "node"

# The shell becomes process 1 of the node. /run, /var/lib and /var/log are the node's own.
SETUP = """set -eu
mkdir -p "$1/containerd" "$1/kubelet" "$1/logs/pods"
if test "$3" = memory; then mount -t tmpfs tmpfs "$1/containerd"; fi
for hidden in /run /var/lib; do mount -t tmpfs -o mode=0755 tmpfs "$hidden"; done
mkdir /var/lib/kubelet
mount --bind "$1/kubelet" /var/lib/kubelet
mount --bind "$1/logs" /var/log
mount --make-rshared /
: >/run/node-is-ready
exec "$2"
"""


def start(programs: Programs, *, images_in_memory: bool = False) -> int:
    """Start the node's first process; its id on the machine.

    With `images_in_memory` a folder of containerd's own is in memory, and goes with the node.
    Raises ClusterError if this is not root, or the folder lies where the node has its own.
    """
    folder = programs.folder
    if os.geteuid() != 0:
        raise ClusterError("a node needs root (namespaces, mounts, links); run this as root")
    for hidden in HIDDEN:
        if folder.is_relative_to(hidden):
            raise ClusterError(f"a cluster with a node cannot live below {hidden}: {folder}")
    apart = ("--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
    setup = (installed("sh"), "-c", SETUP, "sh", str(folder), built("pause"))
    place = "memory" if images_in_memory else "disk"
    argv = (installed("unshare"), *apart, "--propagation=private", *setup, place)
    programs.run(Program(NAME, argv, lambda: _is_ready(programs), forks=True))
    return programs.process(NAME).pid


def entering(pid: int) -> tuple[str, ...]:
    """The command that runs another one inside the node whose first process is `pid`."""
    return (installed("nsenter"), f"--target={pid}", "--mount", "--net", "--pid", "--")


def _is_ready(programs: Programs) -> bool:
    """Whether process 1 has made its mounts."""
    mounts = f"--mount=/proc/{programs.process(NAME).pid}/ns/mnt"
    return succeeds("nsenter", mounts, "--", "test", "-e", "/run/node-is-ready")
