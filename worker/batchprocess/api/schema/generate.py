"""Write what the models say, or say what is stale: `python -m batchprocess.api.schema.generate`.

Run in the repository's root. With --check nothing is written, and the exit code is 1 if a file
differs from what would be.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from batchprocess.api.schema.crd import crd
from batchprocess.api.schema.editor import editor_schema
from batchprocess.api.schema.generated_files import COMMAND, Files, write_or_check
from batchprocess.api.schema.reference import reference_page

_KEEP = {"helm.sh/resource-policy": "keep"}
_HEADER = f"# Made by `{COMMAND}` from worker/batchprocess/api: edit the models instead.\n"


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


FILES: Files = {
    "crds/batchprocess.dev_batchprocessjobs.yaml": crd_file,
    "crds/batchprocessjob.schema.json": editor_file,
    "charts/batchprocess-operator/templates/crd.yaml": chart_file,
    "docs/reference/batchprocessjob.md": reference_page,
}


def main(arguments: Sequence[str], root: Path) -> int:
    """Write, or check; returns the exit code."""
    return write_or_check(FILES, arguments, root, "batchprocess.api.schema.generate")


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
