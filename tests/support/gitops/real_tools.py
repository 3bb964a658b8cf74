"""Argo CD's and Flux's own code, asked about objects: see testcluster/gitops."""

import json
import subprocess
from collections.abc import Iterable
from typing import Any

import yaml

from support.gitops.fake_argocd import ACTIONS, EXAMPLES, HEALTH
from testcluster.tools import built

FLUX: dict[str, Any] = yaml.safe_load((EXAMPLES / "flux" / "kustomization.yaml").read_text())
EXPRESSIONS = FLUX["spec"]["healthCheckExprs"][0]


def ask(objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer an object; main.go has what is in it."""
    same = {"health": HEALTH, "actions": ACTIONS, "exprs": EXPRESSIONS}
    asked = "\n".join(json.dumps(same | {"object": one}) for one in objects)
    ran = subprocess.run([built("gitops")], input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def check_kustomization(made: dict[str, Any]) -> None:
    """Raise CalledProcessError if Flux has no such fields."""
    asked = json.dumps(made)
    subprocess.run([built("gitops"), "kustomization"], input=asked, text=True, check=True)
