"""What pages call a field of a job, or a value of the chart, is one."""

import json
import re
from typing import Any

import pytest

from batchprocess.api.schema.crd import job_schema
from support.pages import ROOT

PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "how-to").glob("*.md"),
]
PAGES.remove(ROOT / "docs" / "protocol.md")  # names fields of Jobs, and has tests of its own
JOB = job_schema()
SPEC, STATUS = JOB["properties"]["spec"], JOB["properties"]["status"]
VALUES = json.loads((ROOT / "charts/batchprocess-operator/values.schema.json").read_text())
PARTS = [JOB, SPEC, STATUS, VALUES, *(SPEC["properties"][one] for one in ("output", "worker"))]
FIRST = {name for one in (JOB, SPEC, STATUS, VALUES) for name in one["properties"]}
OF_QUOTAS = ("requests.", "limits.")
FILES = (".csv", ".jsonl", ".npy", ".parquet")


def has(schema: dict[str, Any], path: list[str]) -> bool:
    """Whether there may be such a field; what is handed on to Kubernetes has any."""
    schema = schema.get("items") or schema
    if not path or "properties" not in schema:
        return True
    inner = schema["properties"].get(path[0])
    return inner is not None and has(inner, path[1:])


def named(text: str) -> set[str]:
    found = re.findall(r"`([a-z]\w*(?:\.[a-z]\w*)+)`", text)
    return {one for one in found if one.partition(".")[0] in FIRST and not one.endswith(FILES)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_field_that_a_page_names_is_there(page: Any) -> None:
    wrong = [
        name
        for name in named(page.read_text())
        if not name.startswith(OF_QUOTAS) and not any(has(one, name.split(".")) for one in PARTS)
    ]
    assert wrong == []


def test_pages_name_many_and_one_that_is_not_there_is_found() -> None:
    assert len({name for page in PAGES for name in named(page.read_text())}) > 50
    assert named("`timeouts.stallSecond` and `torch.compile`") == {"timeouts.stallSecond"}
    assert not any(has(one, ["timeouts", "stallSecond"]) for one in PARTS)
    assert any(has(one, ["worker", "template", "spec", "nodeSelector"]) for one in PARTS)
