"""The operator's error tree: what the API server answered, translated once, in `client.py`.

ApiError
├── NotFound              404: the object is gone, which is often as good as done
├── AlreadyExists         409 on create
├── Conflict              409/412: somebody was faster; read again, decide again
├── Rejected              400/413/422: this very request will never be taken
├── Denied                401/403, or denied by a webhook or policy: a person may repair it
├── DryRunUnsupported     400: a webhook cannot be asked without anything being done
├── OversizedAnswer       longer than we read; what was asked for is done all the same
├── Expired               410: a watch that begins further back than the API server remembers
└── Unavailable           429, 5xx, no connection: whether it was done is unknown; try again
"""

from batchprocess.plain_text import plain


class ApiError(Exception):
    """An answer other than success. `str()` is the API server's own sentence, cut and plain.

    It echoes what tenants wrote, at any length.
    """

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class NotFound(ApiError):
    """The object does not exist."""


class AlreadyExists(ApiError):
    """An object of that name exists."""


class Conflict(ApiError):
    """The object has changed since it was read, or is another one by now."""


class Rejected(ApiError):
    """The request is invalid."""


class Denied(ApiError):
    """The request is not allowed."""


class DryRunUnsupported(ApiError):
    """A webhook takes no dry runs, so that nobody knows what it would say."""


class OversizedAnswer(ApiError):
    """The answer is longer than we read."""


class Expired(ApiError):
    """What is asked for is too long ago."""


class Unavailable(ApiError):
    """No answer, or one that says nothing about what was done.

    `retry_after`: seconds that the API server asks us to wait, 0 if it does not say.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
