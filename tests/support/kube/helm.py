"""The real helm on the chart."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from testcluster.tools import HOME, built

CHART = Path(__file__).parents[3] / "charts" / "batchprocess-operator"
RELEASE, NAMESPACE = "bp", "batchprocess-system"
NAME = f"{RELEASE}-batchprocess-operator"


class HelmError(Exception):
    """What helm said."""


def helm(*arguments: str) -> str:
    """Standard output. Raises HelmError."""
    done = subprocess.run(
        [built("helm"), *arguments],
        env={**os.environ, "HELM_CACHE_HOME": str(HOME), "HELM_CONFIG_HOME": str(HOME)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise HelmError(done.stderr)
    return done.stdout


def flags(values: Mapping[str, Any], kubeconfig: Path | None = None) -> Iterable[str]:
    """Values as helm takes them, and where to."""
    yield f"--namespace={NAMESPACE}"
    if kubeconfig is not None:
        yield f"--kubeconfig={kubeconfig}"
    for name, value in values.items():
        yield f"--set-json={name}={json.dumps(value)}"


def rendered(**values: Any) -> list[dict[str, Any]]:
    """The objects of the chart; `a__b` is the value a.b."""
    given = {name.replace("__", "."): value for name, value in values.items()}
    text = helm("template", RELEASE, str(CHART), *flags(given))
    return [one for one in yaml.safe_load_all(text) if one is not None]
