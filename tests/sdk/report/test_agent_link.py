"""The child's end of the control socket."""

import signal
from types import SimpleNamespace

from batchprocess.sdk.report.agent_link import dump_signal


def test_stacks_are_asked_for_by_a_signal_that_the_system_has() -> None:
    assert dump_signal() == signal.SIGRTMAX - 3
    assert dump_signal(SimpleNamespace(SIGINFO=29)) == 29
