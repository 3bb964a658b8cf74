"""The volume of a ConfigMap, as the kubelet writes and replaces it."""

import os
from pathlib import Path


class Volume:
    """A ConfigMap's volume, and what the kubelet does to it (pkg/volume/util/atomic_writer.go)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        folder.mkdir()

    def write(self, **texts: str) -> Path:
        """A new folder, then the link; returns the old folder, which is still there."""
        self.number += 1
        old = Path(os.path.realpath(self.folder / "..data"))
        new = self.folder / f"..2026_11_30_{self.number}"
        new.mkdir()
        for name, text in texts.items():
            (new / f"{name}.py").write_text(text)
        (self.folder / "..data_tmp").symlink_to(new.name)
        (self.folder / "..data_tmp").replace(self.folder / "..data")
        for name in texts:
            if not (self.folder / f"{name}.py").is_symlink():
                (self.folder / f"{name}.py").symlink_to(f"..data/{name}.py")
        return old
