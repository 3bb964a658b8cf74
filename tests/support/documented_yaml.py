"""Every YAML of pages and examples, by what it is."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from support.pages import ROOT

Blocks = list[tuple[str, dict[str, Any]]]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
OTHERS = {
    "docs/gitops.md": {"ignoreDifferences"},
    "docs/kubernetes.md": {"ResourceFlavor", "ClusterQueue", "LocalQueue"},
    "docs/pipelines.md": {"Workflow"},
}
"""What is no job, or part of one, by kind or by a key: of Argo CD, Kueue, Argo Workflows."""
OF_KUBERNETES = ("v1", "networking.k8s.io/v1")
_OF_THE_CHART = json.loads((ROOT / "charts/batchprocess-operator/values.schema.json").read_text())


def blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Page or example, and an object or part of one."""
    for page in PAGES:
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)):
            for one in yaml.safe_load_all(text):
                yield f"{page.relative_to(ROOT)}-{number}", one
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text()):
            yield str(path.relative_to(ROOT)), one


def is_of_others(where: str, block: dict[str, Any]) -> bool:
    """Of programs that others have made, or an example, which has tests of its own."""
    page = where.rpartition("-")[0]
    names = {block.get("kind"), *block, *block.get("spec", {})}
    return where.startswith("examples/") or bool(OTHERS.get(page, set()) & names)


ALL: Blocks = list(blocks())
JOBS: Blocks = [one for one in ALL if one[1].get("kind") == "BatchProcessJob"]
OURS: Blocks = [one for one in ALL if not is_of_others(*one)]
OBJECTS: Blocks = [one for one in OURS if one[1].get("apiVersion") in OF_KUBERNETES]
VALUES: Blocks = [one for one in OURS if one[1].keys() <= _OF_THE_CHART["properties"].keys()]
PARTS: Blocks = [one for one in OURS if "kind" not in one[1] and one not in VALUES]


def names(found: Blocks) -> list[str]:
    """Where they stand, for pytest."""
    return [where for where, _ in found]
