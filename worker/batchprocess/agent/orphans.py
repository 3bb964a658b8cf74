"""Children of nobody, which the kernel gives to PID 1: it alone can bury them."""

import contextlib
import os
from collections.abc import Collection


def reap_orphans(own: Collection[int]) -> None:
    """Bury all dead children but `own`, whose statuses `subprocess` waits for.

    Of a dead one of ours that was not waited for yet, those behind it wait too: call this again.
    Nothing where no child can be looked at first (macOS before Python 3.13): nobody is PID 1 there.
    """
    if not hasattr(os, "waitid"):
        return
    with contextlib.suppress(ChildProcessError):
        while True:
            # Looked at first: to wait for any would take the statuses of ours away.
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if dead is None or dead.si_pid in own:
                return
            os.waitpid(dead.si_pid, os.WNOHANG)
