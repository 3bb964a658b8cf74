"""Images written by hand: folders become the layers of a docker-archive, without any daemon."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """Name and configuration of an image; `environment` is added to the usual PATH."""

    name: str
    entrypoint: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"

    def config(self) -> Mapping[str, object]:
        environment = {"PATH": PATH, **self.environment}
        return {
            "Entrypoint": list(self.entrypoint) or None,
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "User": self.user,
            "WorkingDir": self.folder,
        }


def layer(content: Path, target: Path, inside: str = ".") -> Path:
    """Write a layer that holds a folder at the path `inside`; owners and modes are kept."""
    with tarfile.open(target, "w") as tar:
        tar.add(content, arcname=inside, filter=_without_caches)
    return target


def archive(image: Image, layers: Sequence[Path], target: Path) -> Path:
    """Write a docker-archive of layers, the lowest first."""
    digests = [_digest(one) for one in layers]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": image.config(),
            "history": [{"created_by": "testcluster"} for _ in digests],  # buildah counts these
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one}" for one in digests]},
        }
    ).encode()
    named = f"{hashlib.sha256(config).hexdigest()}.json"
    members = [f"{digest}/layer.tar" for digest in digests]
    manifest = [{"Config": named, "RepoTags": [image.name], "Layers": members}]
    with tarfile.open(target, "w") as tar:
        _add(tar, named, config)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
        for member, path in zip(members, layers, strict=True):
            tar.add(path, arcname=member)
    return target


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.endswith("__pycache__") else member


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
