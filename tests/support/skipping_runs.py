"""Runs of `torch_batch_process` that leave bad rows out, and what they keep of these."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchprocess.protocol.bad_rows import BadRow, decode_bad_rows
from batchprocess.sdk import entry
from support.script_runs import Alone, alone

__all__ = ["alone", "bad_rows", "skips"]


@pytest.fixture
def skips(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> Alone:
    """As `onBadRow: skip` of a job, which a script alone has no way to ask for."""
    found = entry.find_placement

    def find_placement(*given: Any) -> Any:
        placement = found(*given)
        skipping = placement.environment.model_copy(
            update={"on_bad_row": "skip", "max_bad_rows": "100%"}
        )
        return replace(placement, environment=skipping)

    monkeypatch.setattr(entry, "find_placement", find_placement)
    return alone


def bad_rows(run: Path) -> list[BadRow]:
    """All that a run has kept, in dataset order."""
    return list(_found(run))


def _found(run: Path) -> Iterator[BadRow]:
    for path in sorted((run / "errors").glob("*/*.jsonl")):
        with path.open("rb") as lines:
            yield from decode_bad_rows(lines, str(path))
