"""The child's end of the control socket."""

import os
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from batchprocess.protocol.bad_rows.isolation import Isolate, RaisedByBatch
from batchprocess.protocol.control import Outcome, Stop, decode, encode
from batchprocess.protocol.variables import CONTROL_FD
from batchprocess.sdk.report.agent_link import AgentLink, LoopState, dump_signal
from support.zygote.processes import forked


def test_stacks_are_asked_for_by_a_signal_that_the_system_has() -> None:
    assert dump_signal() == signal.SIGRTMAX - 3
    assert dump_signal(SimpleNamespace(SIGINFO=29)) == 29


def test_a_sentence_that_utf_8_cannot_hold_is_told_with_escapes() -> None:
    ours, agents = socket.socketpair()
    with ours, agents:
        AgentLink(LoopState(), ours).report_outcome(1, "no file a\udcff.py")
        told = decode(agents.recv(4_096))
    assert isinstance(told, Outcome)
    assert told.message == "no file a\\udcff.py"


LISTENS = """
import os, time
from batchprocess.protocol.variables import CONTROL_FD
from batchprocess.sdk.report.agent_link import AgentLink, LoopState
state = LoopState()
link = AgentLink.open(state, os.environ)
link.start_threads()
print(link.order and link.order.batch)
while not state.stop:  # what comes behind it is heard as ever
    time.sleep(0.01)
"""
ORDER = Isolate(attempt="a", batch=3, error=RaisedByBatch(type="E", traceback="x" * 4_000))


@pytest.mark.slow
@pytest.mark.parametrize(("order", "known"), [(encode(ORDER), b"3\n"), (b"", b"None\n")])
def test_an_order_that_came_before_the_process_began_is_known_at_once(
    order: bytes, known: bytes
) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            if order:
                ours.sendall(order)
            with forked():
                child = subprocess.Popen(
                    [sys.executable, "-c", LISTENS],
                    env={**os.environ, CONTROL_FD: str(theirs.fileno())},
                    pass_fds=[theirs.fileno()],
                    stdout=subprocess.PIPE,
                )
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == known
            ours.sendall(encode(Stop()))
            assert child.wait(60) == 0
