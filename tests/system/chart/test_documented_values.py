"""Values that pages have people give to helm are values of the chart."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.documented_yaml import PAGES, VALUES, names
from support.kube.helm import CHART, helm

pytestmark = pytest.mark.slow


def settings(text: str) -> Iterator[str]:
    """What is given by --set, in commands and in sentences; a digest and a name are made up."""
    text = text.replace("\\\n", " ")
    for given in re.findall(r"""--set(?:-json)?[ =](?:'([^'`]+)'|"([^"`]+)"|([^\s'"`]+))""", text):
        yield "".join(given).replace("...", "0" * 64)


FOUND = sorted({one for page in PAGES for one in settings(page.read_text())})


def test_pages_have_people_set_some() -> None:
    assert len(FOUND) >= 10


@pytest.mark.parametrize("value", FOUND)
def test_helm_takes_it_with_the_charts_own_schema(value: str) -> None:
    # What belongs together: an image for the test, a Prometheus operator's own objects.
    needed = "--set=test.image=x,test.output.uri=s3://b/p,metrics.podMonitor.enabled=true"
    assert helm("template", "one", str(CHART), needed, f"--set={value}")


@pytest.mark.parametrize("values", [one for _, one in VALUES], ids=names(VALUES))
def test_helm_takes_a_file_of_values(values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(json.dumps(values))
    assert helm("template", "one", str(CHART), f"--values={tmp_path / 'values.yaml'}")
