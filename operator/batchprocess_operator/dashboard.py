"""Write the chart's board for Grafana: `python -m batchprocess_operator.dashboard [--check]`.

Run in the repository's root. With --check nothing is written, and the exit code is 1 if the file is
not what would be made.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from batchprocess.api.schema.generated_files import write_or_check
from batchprocess_operator.dashboard_panels import COLOURS, PANELS, Panel

BOARD = Path("charts", "batchprocess-operator", "dashboards", "overview.json")
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT, _ACROSS = 8, 7, 3


def board() -> dict[str, Any]:
    """As Grafana imports it; a stack's own settings (time zone, theme) are left to it."""
    return {
        "title": "batchprocess",
        "uid": "batchprocess",
        "tags": ["batchprocess"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": list(_variables())},
        "panels": [_panel(number, one) for number, one in enumerate(PANELS)],
    }


def _variables() -> Iterable[dict[str, Any]]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    yield {
        "name": "job",
        "label": "Operator",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(batchprocess_jobs, job)", "refId": "jobs"},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, one: Panel) -> dict[str, Any]:
    row, column = divmod(number, _ACROSS)
    stacking = {"stacking": {"mode": "normal"}, "fillOpacity": 30} if one.stacked else {}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": one.title,
        "description": one.meaning,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": one.unit, "min": 0, "custom": {"showPoints": "never", **stacking}},
            "overrides": list(_colours()) if one.queries[0][1] == "{{state}}" else [],
        },
        "options": {
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": expr, "legendFormat": name}
            for n, (expr, name) in enumerate(one.queries)
        ],
    }


def _colours() -> Iterable[dict[str, Any]]:
    for name, colour in COLOURS.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        yield {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": fixed}],
        }


def main(arguments: Sequence[str], root: Path) -> int:
    """Write, or check; returns the exit code."""
    files = {str(BOARD): lambda: json.dumps(board(), indent=2) + "\n"}
    return write_or_check(files, arguments, root, "batchprocess_operator.dashboard")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
