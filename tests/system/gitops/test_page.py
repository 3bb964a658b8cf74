"""What docs/gitops.md says of states is what the tools are expected to say."""

import re

from support.gitops.expected import EXPECTED, Expected
from support.pages import read_page, section

PAGE = read_page("gitops.md")
FLUX = {
    "new, being created, just edited, `retry` just raised": ["new", "created", "edited", "retried"],
    "waiting, running, suspended, queued, finalizing": [
        *("pending", "unschedulable", "running", "silent", "failing"),
        *("suspended", "queued", "finalizing"),
    ],
    "Complete, CompleteWithFailures": ["complete", "complete with failures"],
    "Failed, `Stalled`": ["shards failed", "deadline", "undone", "deleted each time"],
}


def rows(heading: str) -> list[list[str]]:
    lines = re.findall(r"^\| (.*) \|$", section(PAGE, heading), re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def of(states: list[str]) -> list[Expected]:
    return [EXPECTED[state] for state in states]


def test_the_table_of_flux_is_what_flux_says() -> None:
    found = {of: words for of, *words in rows("Flux")[1:]}
    told = {
        row: [sorted({one.kstatus for one in of(states)}), sorted({one.flux for one in of(states)})]
        for row, states in FLUX.items()
    }
    assert {row: [[kstatus], [flux]] for row, (kstatus, flux) in found.items()} == told


def test_the_table_of_argo_cd_has_each_health_that_there_is() -> None:
    found = [health for health, _ in rows("Argo CD")[1:]]
    assert sorted(found) == sorted({one.argo for one in EXPECTED.values()})
