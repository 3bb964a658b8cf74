"""What can be wrong between us and a cluster, each as one sentence that a person can act on.

ClusterError (BatchProcessError)   1
├── NotConfigured                  2   no package, no kubeconfig, no such context
├── NotFound                       1   404
├── AlreadyExists                  1   409 on create: another job has the name
├── Changed                        1   the object is another one by now, or was just changed
├── Rejected                      91   400, 413, 422: this very request will never be taken
├── Denied                         1   401, 403, or denied by a webhook or a policy
├── Unavailable                    1   no answer, or one that says nothing about what was done
├── WaitedTooLong                  1   the job has not ended in the time that was given
└── JobFailed                          of `wait`: the job's own exit code is in `code`
"""

from batchprocess.plain_text import MAX_MESSAGE, plain
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.protocol.exit_codes import ExitCode


class ClusterError(BatchProcessError):
    """Base of all errors of a cluster. The text is cut and plain: servers echo what tenants write.

    `text`: what to say; more than 2,048 characters of it are cut off.
    """

    def __init__(self, text: str) -> None:
        super().__init__(plain(text, 2 * MAX_MESSAGE))


class NotConfigured(ClusterError):
    """It is not known which cluster is meant, or how to reach it."""

    exit_code = ExitCode.USAGE


class NotFound(ClusterError):
    """The object does not exist."""


class AlreadyExists(ClusterError):
    """An object of that name exists, and is not the one that was to be created."""


class Changed(ClusterError):
    """The object was deleted and made anew, or changed by somebody at the same moment."""


class Rejected(ClusterError):
    """The request is invalid; the API server's sentence names the field."""

    exit_code = ExitCode.CANNOT_WORK


class Denied(ClusterError):
    """The request is not allowed for who asks, or a webhook or policy refuses it."""


class Unavailable(ClusterError):
    """The API server could not be reached, or did not answer, for too long."""


class WaitedTooLong(ClusterError):
    """The job goes on; only the waiting has ended."""


class JobFailed(ClusterError):
    """The job has ended as Failed. `code`: its exit code, as `batchprocess run` would end."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code
