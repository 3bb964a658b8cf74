"""What a person needs to try a job on a cluster: a worker image, a store, and lines to type."""

import contextlib
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from testcluster.containers import images
from testcluster.step import BEAT_SECONDS, Say, heartbeat
from testcluster.store import BUCKET, start_store
from testcluster.tools import ROOT, TOOLS
from testcluster.whole import Cluster

EXAMPLE = ROOT / "examples" / "digits"
LINES = """\
The cluster runs. A job on it, to copy (about a minute; `kubectl get bpj -w` shows it counting):

  source {env}
  kubectl create configmap digits --from-file={example}
  kubectl apply -f {example}/cluster.yaml
  kubectl wait bpj digits --for=condition=Complete --timeout=5m
  batchprocess status s3://{bucket}/runs/digits

`python -m testcluster load ARCHIVE` gives it an image of yours (docker save -o ARCHIVE IMAGE);
`make cluster-down` ends everything, and takes the outputs with it. For a kubectl of your own:

export KUBECONFIG={kubeconfig}"""


def prepare(cluster: Cluster) -> str:
    """Store, worker image and environment file; what to tell the person.

    Raises ClusterError if a part does not start.
    """
    store = start_store(cluster)
    folder, tell = cluster.programs.folder, cluster.programs.tell
    tell("making the worker's image, which takes torch from this machine's .venv, and loading it")
    archive = images.worker(folder / "worker.tar")
    cluster.node.import_image(archive)
    archive.unlink()
    env = folder / "env"
    programs = ":".join((str(TOOLS), str(ROOT / ".venv" / "bin")))
    _write(env, {"KUBECONFIG": str(cluster.kubeconfig), **store.environment()}, programs)
    return LINES.format(
        env=shlex.quote(_short(env)),
        example=shlex.quote(_short(EXAMPLE)),
        bucket=BUCKET,
        kubeconfig=shlex.quote(str(cluster.kubeconfig)),
    )


@contextlib.contextmanager
def telling(say: Say, every: float = BEAT_SECONDS) -> Iterator[Say]:
    """Says what is done now, with the seconds since the start, and again while it lasts."""
    began, said, before = time.monotonic(), "", ""

    def tell(what: str) -> None:
        nonlocal said
        said = what
        say(f"{time.monotonic() - began:5.0f} s  {what}")

    def again(_: float) -> None:
        nonlocal before
        # Only what was going on at the last beat already: another line has just been told.
        if said and said == before:
            say(f"{time.monotonic() - began:5.0f} s  still {said}")
        before = said

    with heartbeat(again, every):
        yield tell


def _write(path: Path, variables: Mapping[str, str], programs: str) -> None:
    """For a shell to read; the store's keys are in it."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines.append(f"export PATH={shlex.quote(programs)}:$PATH")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")


def _short(path: Path) -> str:
    """As it is named from where the person stands."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
