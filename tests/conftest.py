"""For all tests: which of them share one worker of pytest-xdist, and what a skip means in CI."""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from support.kube import cluster_report
from support.storage.s3_models import share_models
from support.zygote import processes

# A busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Several processes at a time, each with a tiny model: more threads would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Under `nohup`, and behind `&`, processes would inherit that a hang-up or an interrupt means
# nothing, and some tests send one.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where Python is told to write no bytecode, each process of each run would compile all tests.
_WRITES_NO_BYTECODE = sys.dont_write_bytecode
sys.dont_write_bytecode = False
# Of what is imported and collected next to nothing is garbage.
gc.disable()

share_models()

_HERE = Path(__file__).parent
_TOGETHER = {
    # One cluster, or control plane, for all of them: two at a time would fight over the machine.
    **dict.fromkeys(("apiserver", "chart", "cluster", "e2e", "control_plane"), "cluster"),
    # One undisturbed run, which takes longer than most campaigns.
    "campaign": "campaign",
}
"""Folder of the test, or fixture that it uses, to the group that runs in one process, in order."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folders = item.path.relative_to(_HERE).parts[:2]
        if folders[0] == "system":
            item.add_marker(pytest.mark.slow)
        for name in (*folders, *getattr(item, "fixturenames", ())):
            if name in _TOGETHER:
                item.add_marker(pytest.mark.xdist_group(_TOGETHER[name]))
                break


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What tests import is no longer ours: a file may be written twice within a second."""
    sys.dont_write_bytecode = _WRITES_NO_BYTECODE
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _temporary_files() -> Iterator[None]:
    """Temporary files of processes that tests start: one that is killed leaves its own behind.

    This process keeps its folder, which multiprocessing still looks for at the very end.
    """
    tempfile.gettempdir()
    with (
        tempfile.TemporaryDirectory(prefix="bp-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def _zygote() -> Iterator[None]:
    """It is started by the first test that wants it."""
    yield
    processes.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        report.sections.extend(cluster_report.sections(getattr(item, "funcargs", {})))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI must not pass on tests that it did not run: there, a skip is a failure.

    But for tests of a GPU: no CI has one, and who has runs `make test-gpu`.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    left_out = [report.nodeid for report in skipped if "gpu" not in report.keywords]
    if os.environ.get("CI") and left_out:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"\nin CI a test that is skipped has failed: {', '.join(left_out)}")
