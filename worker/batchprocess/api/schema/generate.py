"""Write what the models say, or say what is stale: `python -m batchprocess.api.schema.generate`.

Run in the repository's root. With --check nothing is written, and the exit code is 1 if a file
differs from what would be.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from batchprocess.api.schema.crd import crd
from batchprocess.api.schema.editor import editor_schema
from batchprocess.api.schema.reference import reference_page

_COMMAND = "make generate"
_KEEP = {"helm.sh/resource-policy": "keep"}
_HEADER = f"# Made by `{_COMMAND}` from worker/batchprocess/api: edit the models instead.\n"


def crd_file() -> str:
    """The CRD for kubectl apply."""
    return _HEADER + _yaml(crd())


def chart_file() -> str:
    """The CRD for the chart, which by default keeps it, and all jobs, when it is uninstalled."""
    body, kept = _yaml(crd(_KEEP)), f"  annotations:\n    {_yaml(_KEEP)}"
    if "{{" in body:
        raise ValueError("a docstring of the models has {{, which Helm would take for its own")
    head, _, rest = body.partition(kept)
    body = f"{head}  {{{{- if .Values.crds.keep }}}}\n{kept}  {{{{- end }}}}\n{rest}"
    return f"{_HEADER}{{{{- if .Values.crds.enabled }}}}\n{body}{{{{- end }}}}\n"


def editor_file() -> str:
    """The JSON Schema for editors."""
    return json.dumps(editor_schema(), indent=1) + "\n"


FILES: Mapping[str, Callable[[], str]] = {
    "crds/batchprocess.dev_batchprocessjobs.yaml": crd_file,
    "crds/batchprocessjob.schema.json": editor_file,
    "charts/batchprocess-operator/templates/crd.yaml": chart_file,
    "docs/reference/batchprocessjob.md": reference_page,
}


def stale(root: Path) -> list[str]:
    """The files under `root` that are missing or not what they would be made."""
    return [
        name
        for name, make in FILES.items()
        if not (root / name).is_file() or (root / name).read_text() != make()
    ]


def write(root: Path) -> None:
    """Make all files under `root` anew."""
    for name, make in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(make())


def main(arguments: Sequence[str], root: Path) -> int:
    """Write, or check; returns the exit code."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write(f"usage: python -m {__spec__.name} [--check]\n")
        return 2
    if not arguments:
        write(root)
        return 0
    found = stale(root)
    for name in found:
        sys.stderr.write(f"{name} is not what the models say: run `{_COMMAND}` and commit it\n")
    return 1 if found else 0


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
