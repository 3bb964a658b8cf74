"""How a child is started: its GPU, and the script that its command names."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from batchprocess.agent.processes import gpus_of, kill_session, missing_script, start
from batchprocess.protocol.bad_rows.isolation import MAX_BYTES


def test_each_child_sees_its_part_of_the_gpus_that_are_inherited():
    inherited = {"CUDA_VISIBLE_DEVICES": "3,GPU-a,5,6"}
    assert gpus_of(1, 1, inherited) == {"CUDA_VISIBLE_DEVICES": "GPU-a"}
    assert gpus_of(0, 2, inherited) == {"CUDA_VISIBLE_DEVICES": "3,GPU-a"}
    assert gpus_of(1, 2, inherited) == {"CUDA_VISIBLE_DEVICES": "5,6"}
    assert gpus_of(1, 1, {}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert gpus_of(3, 2, {}) == {"CUDA_VISIBLE_DEVICES": "6,7"}


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("python there.py x.py", None),
        ("python x.py there.py", "x.py"),
        ("/opt/bin/python3.11 -u -W ignore -X dev x.py", "x.py"),
        ("python -m x", None),
        ("python -c 1 x.py", None),
        ("python -", None),
        ("python", None),
        ("bash x.py", None),
        ("", None),
    ],
)
def test_the_script_that_an_interpreter_lacks_is_found(
    command: str, found: str | None, tmp_path: Path
) -> None:
    (tmp_path / "there.py").touch()
    missing = missing_script(command.split(), tmp_path)
    assert missing == (None if found is None else tmp_path / found)


@pytest.mark.slow
@pytest.mark.parametrize("proc", ["/proc", "/absent"])
def test_a_session_is_killed_whole_also_where_no_processes_are_listed(proc: str) -> None:
    code = "import os, time; pid = os.fork(); os.write(1, b'x'); time.sleep(600)"
    leader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )
    assert leader.stdout is not None
    with leader, leader.stdout as output:
        assert output.read(2) == b"xx"
        kill_session(leader.pid, Path(proc))
        assert leader.wait(60) == -signal.SIGKILL
        assert output.read() == b""  # ends once the forked one is gone, too
    kill_session(leader.pid, Path(proc))


@pytest.mark.slow
def test_an_order_is_there_before_the_child_begins() -> None:
    code = """
import os, socket
agent = socket.socket(fileno=int(os.environ["BATCHPROCESS_CONTROL_FD"]))
agent.sendall(b"%d" % len(agent.recv(1 << 20, socket.MSG_DONTWAIT)))
"""
    child = start(0, [sys.executable, "-c", code], os.environ, b"x" * MAX_BYTES)
    try:
        assert child.process.wait(60) == 0
        assert child.connection.recv(100) == b"%d" % MAX_BYTES
    finally:
        child.connection.close()
        child.end()


def test_an_order_that_a_socket_does_not_hold_is_no_start() -> None:
    with pytest.raises(BlockingIOError, match="holds too little"):
        start(0, [sys.executable, "-c", ""], os.environ, b"x" * (64 << 20))
