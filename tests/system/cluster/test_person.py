"""`make cluster` as a person uses it: what it prints works as it is printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import testcluster
from support import quickstart
from support.kube.cluster_traces import traces
from testcluster import __main__ as command
from testcluster.containers import images
from testcluster.containers.buildah import buildah, load
from testcluster.machine.network import Network
from testcluster.machine.processes import Process
from testcluster.tools import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),  # it builds the operator's image if its source has changed
    pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root; control planes do not"),
]
EXAMPLE = ROOT / "examples" / "digits"
MINE = "localhost/batchprocess/mine:1"


@dataclass(frozen=True)
class Person:
    """Who has started a cluster in `folder`; what was `printed`, and `told` meanwhile."""

    folder: Path
    printed: str
    told: str

    def types(self, *lines: str) -> str:
        """What a shell says to these lines, until one of them fails."""
        done = subprocess.run(
            ["bash", "-c", "\n".join(("set -e", *lines))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    folder = tmp_path_factory.mktemp("person") / "cluster"
    up = [sys.executable, "-m", "testcluster", "up", f"--folder={folder}", "--images-in-memory"]
    done = subprocess.run(up, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        assert done.returncode == 0, done.stderr
        yield Person(folder, done.stdout, done.stderr)
    finally:
        command.down(folder)


def test_what_is_being_done_is_told_meanwhile(person: Person) -> None:
    told = re.findall(r"^ +\d+ s  (.*)$", person.told, flags=re.MULTILINE)
    assert len(told) == len(person.told.splitlines())
    assert {"starting kube-apiserver", "starting kubelet", "starting versitygw"} <= set(told)


def test_the_printed_lines_complete_the_example_job(person: Person) -> None:
    lines = re.findall(r"^  (\S.*)$", person.printed, flags=re.MULTILINE)
    assert len(lines) == 5
    said = person.types(*lines)
    assert "batchprocessjob.batchprocess.dev/digits created" in said
    assert "metric accuracy: 0.9772\n" in said


def test_the_last_line_is_all_that_another_kubectl_needs(person: Person) -> None:
    export, _, kubeconfig = person.printed.splitlines()[-1].partition("=")
    assert export == "export KUBECONFIG"
    assert testcluster.Kubectl(Path(kubeconfig)).names("nodes") == ["node-1"]


@pytest.fixture
def my_image(tmp_path: Path) -> Iterator[str]:
    """What the page's Dockerfile makes of the example, on the worker image of this machine."""
    page = (ROOT / "docs" / "install.md").read_text()
    (dockerfile,) = re.findall(r"```dockerfile\n(.*?)```", page, flags=re.DOTALL)
    first, *installing, copying = dockerfile.splitlines()
    assert first == "FROM registry.example/team/batchprocess-worker:0.1.0"
    # The node lends its packages, scikit-learn among them.
    assert [line.split()[0] for line in installing] == ["USER", "RUN", "USER"]
    (tmp_path / "Dockerfile").write_text(f"FROM {images.WORKER.name}\n{copying}\n")
    for name in ("inference.py", "weights.npz"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    load(images.worker(tmp_path / "worker.tar"))
    try:
        buildah("bud", "--isolation=chroot", "--pull-never", f"--tag={MINE}", str(tmp_path))
        yield MINE
    finally:
        buildah("rmi", "--force", MINE)


def test_an_image_of_ones_own_is_loaded_and_its_code_runs(person: Person, my_image: str) -> None:
    job = (EXAMPLE / "cluster.yaml").read_text()
    job = re.sub(r"name: digits", "name: mine", job)
    job = re.sub(r"image: .*", f"image: {my_image}", re.sub(r"  source: .*\n", "", job))
    (person.folder / "mine.yaml").write_text(job)
    said = person.types(
        f"source {person.folder}/env",
        f"{sys.executable} -m testcluster load {my_image} --folder={person.folder}",
        f"kubectl apply -f {person.folder}/mine.yaml",
        "kubectl wait bpj mine --for=condition=Complete --timeout=5m",
        "batchprocess status s3://work/runs/mine",
    )
    assert my_image in said.splitlines()
    assert "metric accuracy: 0.9772\n" in said


@pytest.fixture
def pushed(person: Person) -> None:
    """Both images on the node, by the names that the page has them pushed to."""
    archives = {
        quickstart.WORKER: (images.WORKER.name, images.worker(person.folder / "worker.tar")),
        quickstart.OPERATOR: (images.OPERATOR, images.operator()),
    }
    for name, (built_as, archive) in archives.items():
        load(archive)
        buildah("tag", built_as, name)
        try:
            assert name in command.load(person.folder, name)
        finally:
            buildah("rmi", name)


def test_the_quickstart_installs_the_operator_and_ends_with_a_table(
    person: Person, pushed: None
) -> None:
    first = person.folder / "first"
    first.mkdir()
    quickstart.write_files(first)
    _, installing = quickstart.blocks("On a cluster")
    working, reading = quickstart.blocks("The job")
    # The cluster has both already.
    taken_away = (
        "helm uninstall batchprocess -n batchprocess-system",
        "kubectl delete secret s3-creds",
    )
    said = person.types(
        f"source {person.folder}/env",
        *(*taken_away, *installing, f"cd {first}", *working),
        *(line.replace("/tmp/", f"{first}/") for line in reading),
    )
    assert "STATUS: deployed" in said
    assert "secret/s3-creds created" in said
    assert "s3://work/runs/first/" in said
    assert "10000 rows of " in said
    assert " 8 shards, 0 problems" in said
    assert 'batchprocessjob.batchprocess.dev "first" deleted' in said


def test_an_image_that_is_nowhere_is_refused(
    person: Person, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["load", "nobody/has:1", f"--folder={person.folder}"]) == 1
    assert "nobody/has:1" in capfd.readouterr().err
    assert command.main(["load", "x.tar", f"--folder={tmp_path}"]) == 1
    assert "`make cluster` starts one" in capfd.readouterr().err


def test_a_second_cluster_is_refused_and_the_first_is_taken_down_without_a_trace(
    person: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, network = person.folder, Network.read(person.folder / "network.json")
    store = Process.read(folder / "pids" / "versitygw")
    assert command.main(["up", f"--folder={folder}"]) == 1
    assert "make cluster-down" in capfd.readouterr().err
    assert store.alive()
    for _ in range(2):
        assert command.main(["down", f"--folder={folder}"]) == 0
    assert not store.alive()
    assert traces(folder, network) == []
    assert not folder.exists()
