"""Folders of the machine that every container of a node sees, read-only, whatever image it has.

So a worker's image needs no torch of its own here, and a job looks as it does anywhere: without a
volume or a mount that only this cluster could understand.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Lent = Mapping[str, Path]
"""Where a container has it, and which folder of the machine it is."""

CONFIG = """  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    base_runtime_spec = "{spec}"
"""


def base_spec(usual: str, lent: Lent) -> str:
    """The specification that all containers begin with: containerd's `usual` one, and mounts."""
    spec: dict[str, Any] = json.loads(usual)
    spec["mounts"] = [
        *spec["mounts"],
        *(
            {
                "destination": inside,
                "type": "bind",
                "source": str(folder.resolve()),
                "options": ["rbind", "ro"],
            }
            for inside, folder in lent.items()
        ),
    ]
    return json.dumps(spec)
