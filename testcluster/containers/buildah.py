"""Dockerfiles built by buildah, without a daemon and without a registry. Needs root."""

import contextlib
import fcntl
import functools
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testcluster.machine.shell import output, succeeds
from testcluster.tools import ROOT

CACHE = ROOT / ".cache" / "images"
# What pip needs to reach its index from inside a build as it does outside.
SHARED = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Build:
    """An image that a Dockerfile of the repository makes.

    `arguments` are build arguments ({"BASE": "localhost/batchprocess/base:test"}), `inputs` the
    files and folders, from the root of the repository, that it reads.
    """

    dockerfile: str
    name: str
    arguments: Mapping[str, str]
    inputs: Sequence[str]

    def archive(self, prepare: Callable[[], object]) -> Path:
        """The docker-archive of the image, built anew only if something that goes into it changed.

        `prepare` is called before a build, to make the base known.
        Raises ClusterError with the build's output if it fails.
        """
        kept = self.kept()
        with _alone():
            if not kept.exists():
                prepare()
                self.build(self.name)
                half = kept.with_suffix(".half")
                half.unlink(missing_ok=True)
                buildah("push", self.name, f"docker-archive:{half}:{self.name}")
                for old in CACHE.glob(f"{self._stem}-*.tar"):
                    old.unlink()
                half.rename(kept)
        return kept

    def kept(self) -> Path:
        """Where the archive of these inputs is, once it has been built."""
        return CACHE / f"{self._stem}-{self._digest()}.tar"

    @property
    def _stem(self) -> str:
        return self.name.rpartition("/")[2].partition(":")[0]

    def stored(self, prepare: Callable[[], object]) -> str:
        """The same for a base of other builds: its name in the storage, no archive."""
        name = f"{self.name.partition(':')[0]}:{self._digest()}"
        with _alone():
            if name not in buildah("images", "--format={{.Name}}:{{.Tag}}").split():
                prepare()
                self.build(name)
        return name

    def build(self, name: str) -> None:
        """Build it under a name, whatever there is; a base of localhost is never asked for."""
        local = self.arguments.get("BASE", "").startswith("localhost/")
        shared = [f"--volume={path}:{path}:ro" for path in SHARED if Path(path).exists()]
        given = [f"--build-arg={key}={value}" for key, value in self.arguments.items()]
        # Where layers share their files, unchanged steps are kept; vfs would copy all of each.
        kept = ["--layers"] if _driver() == "overlay" else []
        command = ("bud", "--isolation=chroot", "--force-rm", f"--tag={name}")
        file = f"--file={ROOT / self.dockerfile}"
        flags = [*kept, *shared, *given, *(["--pull-never"] if local else [])]
        buildah(*command, file, *flags, str(ROOT), seconds=7200)

    def _digest(self) -> str:
        digest = hashlib.sha256(repr(sorted(self.arguments.items())).encode())
        for name in sorted({self.dockerfile, *self.inputs}):
            for path in _files(ROOT / name):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                line = f"{path.relative_to(ROOT)} {path.stat().st_mode} {content}\n"
                digest.update(line.encode())
        return digest.hexdigest()[:16]


def save(image: str, target: Path, name: str) -> None:
    """Write the docker-archive of an image that was built, in which it has another name."""
    buildah("push", image, f"docker-archive:{target}:{name}")


def load(archive: Path) -> None:
    """Make the image of a docker-archive known to builds."""
    buildah("pull", f"docker-archive:{archive}")


def buildah(*arguments: str, seconds: float = 1800.0) -> str:
    """Standard output of buildah with a storage of our own.

    Its mounts are made in a mount namespace of their own, so none stays, however it ends.
    """
    flags = ("--mount", "--", "buildah", *_storage())
    return output("unshare", *flags, *arguments, seconds=seconds)


def pushing(name: str) -> str:
    """The command by which a person sends an image to a registry of theirs."""
    plain = name.rpartition("/")[2].partition(":")[0]
    return f"buildah {' '.join(_storage())} push {name} docker://REGISTRY/{plain}:TAG"


def _storage() -> tuple[str, str, str]:
    storage = CACHE / f"storage-{_driver()}"
    return f"--root={storage}", f"--runroot={storage}-run", f"--storage-driver={_driver()}"


@functools.cache
def _driver() -> str:
    """overlay where the file system can, vfs where it cannot (in a container, for one)."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        for name in ("lower", "upper", "work", "merged"):
            Path(folder, name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        mount = ("mount", "-t", "overlay", "overlay", "-o", options, f"{folder}/merged")
        return "overlay" if succeeds("unshare", "--mount", "--", *mount) else "vfs"


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One build at a time on this machine; a killed one lets the next in."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts
    )
