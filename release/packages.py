"""The wheel, the source, the chart, the plugin of kubectl, and the locks that go with them."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from batchprocess.version import __version__

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "batchprocess-operator"
LOCKS = ("operator", "worker", "worker-image")


def time_of_commit() -> str:
    """When the commit was made, in seconds since 1970: the time of all files in the archives."""
    return run("git", "-C", str(ROOT), "log", "-1", "--format=%ct").strip()


def changed_files(folder: Path) -> list[str]:
    """Files that differ from the commit, or that it does not have; none that git ignores."""
    status = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    return [line[3:] for line in run("git", "-C", str(folder), *status).split("\0") if line]


def python(out: Path) -> None:
    """Wheel and source, by the tools that requirements/bootstrap.txt locks."""
    run(sys.executable, "-m", "uv", "build", "-q", "--no-build-isolation", f"-o={out}", str(ROOT))
    (out / ".gitignore").unlink(missing_ok=True)


def chart(out: Path, homepage: str | None) -> None:
    """The chart as `helm install` takes it; it names the project's homepage, if one is known."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, CHART.name)
        shutil.copytree(CHART, told)
        if homepage:
            place = json.dumps(homepage)
            with (told / "Chart.yaml").open("a", encoding="utf-8") as file:
                file.write(f"home: {place}\nsources: [{place}]\n")
        helm = str(ROOT / ".cache" / "bin" / "helm")
        run(helm, "package", str(told), "--destination", str(out))
    made = out / f"{CHART.name}-{__version__}.tgz"
    made.write_bytes(_without_times(made.read_bytes(), int(os.environ["SOURCE_DATE_EPOCH"])))


def _without_times(packed: bytes, seconds: int) -> bytes:
    """The same archive made at that time: helm writes the present one into it."""
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(packed)) as old,
        tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as new,
    ):
        for entry in sorted(old.getmembers(), key=lambda one: one.name):
            entry.mtime, entry.pax_headers = seconds, {}
            new.addfile(entry, old.extractfile(entry))
    return gzip.compress(made.getvalue(), mtime=0)


def plugin(out: Path, homepage: str, files: str) -> None:
    """What krew installs, and the manifest that names it."""
    where = ["--homepage", homepage, "--uri", f"{files}/kubectl-batchprocess.tar.gz"]
    made = ["--version", __version__, *where, "--out", str(out)]
    run(sys.executable, str(ROOT / "krew" / "make_plugin.py"), *made)


def locks(out: Path) -> None:
    """What the tests of this commit ran with: `pip install -c requirements-worker.txt ...`."""
    for name in LOCKS:
        shutil.copyfile(ROOT / "requirements" / f"{name}.txt", out / f"requirements-{name}.txt")


def run(*command: str) -> str:
    """Standard output of a command. Raises SystemExit with what it said if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise SystemExit(f"`{' '.join(command)}` failed: {said}")
    return done.stdout
