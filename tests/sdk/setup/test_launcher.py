"""When a launch began, as far as that can be told."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from batchprocess.sdk.setup.launcher import launched_at

SHOWS = """
from batchprocess.sdk.setup.launcher import launched_at
print(launched_at({"TORCHELASTIC_RUN_ID": "none"}).isoformat())
"""


@pytest.mark.slow
def test_a_launch_began_when_the_parent_did() -> None:
    before = datetime.now(UTC)
    nested = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", nested, SHOWS], stdout=subprocess.PIPE, text=True, check=True
    )
    # Both clocks are read to a hundredth of a second.
    slack = timedelta(seconds=0.1)
    assert before - slack < datetime.fromisoformat(done.stdout.strip()) < datetime.now(UTC)
    ours = launched_at({"TORCHELASTIC_RUN_ID": "none"})
    assert ours is not None
    assert ours < before


def test_other_launchers_do_not_say_when() -> None:
    assert launched_at({"RANK": "0", "WORLD_SIZE": "2"}) is None
