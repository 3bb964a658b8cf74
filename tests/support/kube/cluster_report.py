"""What a cluster looked like when a test that uses it failed."""

import subprocess
from collections.abc import Iterator
from typing import Any

from testcluster.errors import ClusterError

ASKED = (
    ("describe", "nodes"),
    ("get", "pods", "--all-namespaces", "--output=wide"),
    ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"),
)
MOST = 20_000
"""Characters of an answer; the newest are at its end."""


def sections(fixtures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and text of what kubectl says of the cluster among a test's fixtures, if one is."""
    one = next((fixtures[name] for name in ("cluster", "world") if name in fixtures), None)
    for arguments in ASKED if one is not None else ():
        try:
            text = one.kubectl(*arguments)
        except (ClusterError, OSError, subprocess.TimeoutExpired) as error:
            text = str(error)
        yield f"kubectl {' '.join(arguments)}", text[-MOST:]
