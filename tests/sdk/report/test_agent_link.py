"""The child's end of the control socket."""

import signal
import socket
from types import SimpleNamespace

from batchprocess.protocol.control import Outcome, decode
from batchprocess.sdk.report.agent_link import AgentLink, LoopState, dump_signal


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
