"""The version stands once in the code; what packages and charts must say by themselves agrees."""

import tomllib
from importlib import metadata
from pathlib import Path

import yaml

import batchprocess
from batchprocess.version import __version__

ROOT = Path(__file__).parents[1]


def test_package_project_and_chart_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    chart = yaml.safe_load((ROOT / "charts" / "batchprocess-operator" / "Chart.yaml").read_text())
    assert batchprocess.__version__ == __version__
    assert project["tool"]["hatch"]["version"]["path"] == "worker/batchprocess/version.py"
    assert metadata.version("batchprocess") == __version__
    assert {chart["version"], chart["appVersion"]} == {__version__}
