"""The board for Grafana in the chart is what the code says."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from batchprocess_operator.dashboard import BOARD, board, main
from batchprocess_operator.dashboard_panels import PANELS

ROOT = Path(__file__).parents[2]


def test_the_file_is_what_the_code_says() -> None:
    assert main(["--check"], ROOT) == 0


def test_a_file_of_before_is_told_and_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / BOARD).parent.mkdir(parents=True)
    (tmp_path / BOARD).write_text("{}")
    assert main(["--check"], tmp_path) == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert json.loads((tmp_path / BOARD).read_text()) == board()


def test_no_panel_lies_over_another() -> None:
    places = [one["gridPos"] for one in board()["panels"]]
    assert len(places) == len(PANELS)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(one["x"] + one["w"] <= 24 for one in places)


def test_all_panels_ask_the_source_that_is_chosen() -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [target for one in board()["panels"] for target in one["targets"]]
    assert all(one["datasource"] == source for one in [*board()["panels"], *targets])
    assert {one["name"] for one in board()["templating"]["list"]} == {"datasource", "job"}
