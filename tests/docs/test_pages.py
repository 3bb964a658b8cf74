"""What the pages say of codes and links is what is there."""

import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from batchprocess.agent.local.local_run import LocalResult
from batchprocess.cli.table import ShardState
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.progress import MAX_REPORT_BYTES, REPORTS_PATH, ProgressReport

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#]+)")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]


def test_every_exit_code_has_its_row_and_no_other() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)
    assert sorted(map(int, rows)) == sorted(ExitCode)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_found_by_what_one_wants() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / one).resolve() for one in LINK.findall(index.read_text())}
    pages = {page for page in PAGES if page.parent.name != "adr"} - {index}
    assert {page for page in pages if page.is_relative_to(index.parent)} - linked == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_example_records_gradients(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL):
        for body in re.findall(r"def process_batch.*?(?=\n *def |\Z)", block, flags=re.DOTALL):
            before, model, _ = body.partition("self.model(")
            assert not model or re.search(r"torch\.(no_grad|inference_mode)\(\)", before), body


def test_every_state_that_a_command_prints_has_its_row_and_no_other() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    rows = re.findall(r"^\| (run|shard) \| `([a-z ]+)` \|", page, flags=re.MULTILINE)
    runs = [*get_args(get_type_hints(LocalResult)["state"]), "incomplete"]
    shards = get_args(ShardState)
    assert sorted(rows) == sorted([("run", s) for s in runs] + [("shard", s) for s in shards])


def test_the_report_that_is_shown_is_one() -> None:
    page = (ROOT / "docs" / "progress-endpoint.md").read_text()
    (shown,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    report = ProgressReport.model_validate_json(shown, strict=True)
    assert json.loads(report.model_dump_json()) == json.loads(shown)
    assert f"at most {MAX_REPORT_BYTES:,} bytes" in page
    assert f"POST {REPORTS_PATH}" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nobody_is_told_to_install_this_package_by_its_name_alone(page: Path) -> None:
    # It is in no index yet, so whoever takes that name there would be installed.
    assert re.findall(r"pip\d? install[^\n`]* '?batchprocess\b(?!-)", page.read_text()) == []
