"""Dead children of others are buried, and ours keep their statuses."""

import os
import subprocess
import sys

import pytest

from batchprocess.agent.orphans import reap_orphans

# A process of its own: whose children are whose is a matter of the whole process.
ADOPTS = """
import ctypes, os, subprocess, sys, time
from batchprocess.agent.orphans import reap_orphans
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, as PID 1 is by birth
own = subprocess.Popen([sys.executable, "-c", '''
import os, sys
for _ in range(3):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
sys.exit(7)
'''])
def zombies():
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(os.getpid()) and fields[0] == "Z":
            yield int(pid)
while own.pid not in zombies() or len(list(zombies())) < 4:
    time.sleep(0.01)
reap_orphans({own.pid})
assert own.poll() == 7, own.returncode
reap_orphans(set())
assert not list(zombies())
"""


@pytest.mark.slow
def test_orphans_are_buried_and_the_status_of_ours_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ADOPTS], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_without_any_child_there_is_nothing_to_do() -> None:
    pid = os.fork()
    if pid == 0:
        reap_orphans(set())
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3


def test_where_none_can_be_looked_at_first_none_is_buried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "waitid")
    reap_orphans(set())
