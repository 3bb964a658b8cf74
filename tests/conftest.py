"""For all tests: which of them share one worker of pytest-xdist, and what a skip means in CI."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Several processes at a time, each with a tiny model: more threads would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_HERE = Path(__file__).parent
_TOGETHER = {
    # One cluster, or control plane, for all of them: two at a time would fight over the machine.
    **dict.fromkeys(("api", "chart", "cluster", "e2e", "control_plane"), "cluster"),
    # One undisturbed run, which takes longer than most campaigns.
    "campaign": "campaign",
}
"""Folder of the test, or fixture that it uses, to the group that runs in one process, in order."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(_HERE).parts[0]
        for name in (folder, *getattr(item, "fixturenames", ())):
            if name in _TOGETHER:
                item.add_marker(pytest.mark.xdist_group(_TOGETHER[name]))
                break


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI must not pass on tests that it did not run: there, a skip is a failure.

    But for tests of a GPU: no CI has one, and who has runs `make test-gpu`.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    if os.environ.get("CI") and any("gpu" not in report.keywords for report in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
