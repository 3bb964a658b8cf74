"""podFailurePolicy: the table of docs/protocol.md, "Exit codes". First match wins in Kubernetes."""

from typing import Any, Literal

from batchprocess.kube.names import WORKER_CONTAINER
from batchprocess.protocol.exit_codes import ExitCode

_Action = Literal["FailJob", "FailIndex", "Ignore"]


def worker_policy(*, fail_on_user_code: bool) -> dict[str, Any]:
    """For the worker Job. What no rule names is counted: 1, 86, 128+n, and 90 by default."""
    condemned = [ExitCode.NO_PROGRESS, ExitCode.CLOSED]
    if fail_on_user_code:
        condemned.insert(0, ExitCode.USER_CODE)
    return {
        "rules": [
            _on_codes("FailJob", ExitCode.CANNOT_WORK, ExitCode.TOO_MANY_BAD_ROWS),
            _on_codes("FailIndex", *condemned),
            _on_codes("Ignore", ExitCode.STOPPED, ExitCode.FENCED, ExitCode.STORAGE),
            _ON_DISRUPTION,
        ]
    }


def finalizer_policy() -> dict[str, Any]:
    """For the finalizer Job: a contradiction in storage will not heal by trying again."""
    return {
        "rules": [
            _on_codes("FailJob", *_FINAL),
            _on_codes("Ignore", ExitCode.STOPPED, ExitCode.STORAGE),
            _ON_DISRUPTION,
        ]
    }


_FINAL = (ExitCode.CANNOT_WORK, ExitCode.VERIFICATION, ExitCode.TOO_MANY_BAD_ROWS)
_ON_DISRUPTION = {
    "action": "Ignore",
    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
}


def _on_codes(action: _Action, *codes: ExitCode) -> dict[str, Any]:
    return {
        "action": action,
        "onExitCodes": {
            "containerName": WORKER_CONTAINER,
            "operator": "In",
            # The API server refuses a list that is not in order.
            "values": sorted(int(code) for code in codes),
        },
    }
